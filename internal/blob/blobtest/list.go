package blobtest

import (
	"fmt"
	"strings"
	"testing"

	"penstock/internal/blob"
)

func listPages(t *testing.T, s blob.Store) {
	const n = 25
	for i := range n {
		put(t, s, fmt.Sprintf("p/%02d", i), "x")
	}
	put(t, s, "o", "x")
	put(t, s, "q", "x")
	var keys []string
	o := blob.ListOptions{Prefix: "p/", Max: 7}
	for pages := 0; ; pages++ {
		page, err := s.List(t.Context(), bucket, &o)
		if err != nil {
			t.Fatal(err)
		}
		for _, info := range page.Objects {
			keys = append(keys, info.Key)
			if info.Size != 1 || info.ETag == "" || info.Modified.IsZero() {
				t.Errorf("entry %+v", info)
			}
		}
		if page.Next == "" {
			if pages != 3 {
				t.Errorf("%d pages, want 4", pages+1)
			}
			break
		}
		if len(page.Objects) != 7 {
			t.Fatalf("a page of %d", len(page.Objects))
		}
		o.After = page.Next
	}
	if len(keys) != n || keys[0] != "p/00" || keys[n-1] != "p/24" {
		t.Errorf("keys %v", keys)
	}
	page, err := s.List(t.Context(), bucket, &blob.ListOptions{Prefix: "p/", After: "p/23"})
	if err != nil || len(page.Objects) != 1 || page.Objects[0].Key != "p/24" {
		t.Errorf("after p/23: %+v, %v", page, err)
	}
}

func listDelimiter(t *testing.T, s blob.Store) {
	for _, key := range []string{"a", "b/", "b/1", "b/2/x", "b/2/y", "c", "d//e", "d/f"} {
		put(t, s, key, "x")
	}
	show := func(o blob.ListOptions) string {
		var all []string
		for {
			page, err := s.List(t.Context(), bucket, &o)
			if err != nil {
				t.Fatal(err)
			}
			for _, info := range page.Objects {
				all = append(all, info.Key)
			}
			for _, p := range page.Prefixes {
				all = append(all, "["+p+"]")
			}
			if page.Next == "" {
				return strings.Join(all, " ")
			}
			all = append(all, "|")
			o.After = page.Next
		}
	}
	for _, tc := range []struct {
		o    blob.ListOptions
		want string
	}{
		{blob.ListOptions{Delimiter: "/"}, "a c [b/] [d/]"},
		{blob.ListOptions{Delimiter: "/", Prefix: "b/"}, "b/ b/1 [b/2/]"},
		{blob.ListOptions{Delimiter: "/", Prefix: "b"}, "[b/]"},
		{blob.ListOptions{Delimiter: "/", Prefix: "d/"}, "d/f [d//]"},
		{blob.ListOptions{Delimiter: "/", Max: 1}, "a | [b/] | c | [d/]"},
		{blob.ListOptions{Delimiter: "/", Max: 2}, "a [b/] | c [d/]"},
		{blob.ListOptions{Prefix: "z"}, ""},
		{blob.ListOptions{After: "c"}, "d//e d/f"},
	} {
		if got := show(tc.o); got != tc.want {
			t.Errorf("%+v: %q, want %q", tc.o, got, tc.want)
		}
	}
}

func listOrder(t *testing.T, s blob.Store) {
	want := []string{"A", "Z", "a", "a b", "a-b", "a/b", "ab", "z", "é", "日", "𐍈"}
	for i := range want {
		put(t, s, want[(i*7)%len(want)], "x")
	}
	page, err := s.List(t.Context(), bucket, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, info := range page.Objects {
		got = append(got, info.Key)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("order %q, want %q", got, want)
	}
}
