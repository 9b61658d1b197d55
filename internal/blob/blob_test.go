package blob

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

func sum(a Algorithm, content string) string {
	h := a.New()
	h.Write([]byte(content))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// TestKnownChecksums holds the algorithms against values published with them:
// the check values of the CRC catalogue for "123456789".
func TestKnownChecksums(t *testing.T) {
	t.Parallel()
	for a, want := range map[Algorithm][]byte{
		CRC32:     {0xcb, 0xf4, 0x39, 0x26},
		CRC32C:    {0xe3, 0x06, 0x92, 0x83},
		CRC64NVME: {0xae, 0x8b, 0x14, 0x86, 0x0a, 0x79, 0x98, 0x88},
	} {
		if got := sum(a, "123456789"); got != base64.StdEncoding.EncodeToString(want) {
			t.Errorf("%s: %s, want %x", a, got, want)
		}
	}
}

func TestCombineFullObject(t *testing.T) {
	t.Parallel()
	contents := []string{strings.Repeat("part one", 1000), "2", "", strings.Repeat("\x00", 12345), "the end"}
	for _, a := range []Algorithm{CRC32, CRC32C, CRC64NVME} {
		var parts []Part
		for _, c := range contents {
			parts = append(parts, Part{Size: int64(len(c)), Checksum: Checksum{Value: sum(a, c)}})
		}
		got, ok := Combine(a, FullObject, parts)
		if want := sum(a, strings.Join(contents, "")); !ok || got.Value != want {
			t.Errorf("%s: %v %s, want %s", a, ok, got.Value, want)
		}
	}
}

func TestCombineComposite(t *testing.T) {
	t.Parallel()
	a, b := SHA256.New(), SHA256.New()
	a.Write([]byte("a"))
	b.Write([]byte("b"))
	want := sum(SHA256, string(a.Sum(nil))+string(b.Sum(nil))) + "-2"
	got, ok := Combine(SHA256, Composite, []Part{
		{Checksum: Checksum{Value: sum(SHA256, "a")}}, {Checksum: Checksum{Value: sum(SHA256, "b")}},
	})
	if !ok || got.Value != want {
		t.Errorf("%v %s, want %s", ok, got.Value, want)
	}
	if _, ok := Combine(SHA256, Composite, []Part{{}}); ok {
		t.Error("a part without a checksum was combined")
	}
}

func TestRangeResolve(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		r            Range
		size         int64
		offset, want int64
		ok           bool
	}{
		{Range{0, 5}, 10, 0, 5, true},
		{Range{9, 5}, 10, 9, 1, true},
		{Range{10, 1}, 10, 0, 0, false},
		{Range{0, -1}, 10, 0, 10, true},
		{Range{0, -1}, 0, 0, 0, false},
		{Range{-3, 0}, 10, 7, 3, true},
		{Range{-30, 0}, 10, 0, 10, true},
		{Range{-3, 0}, 0, 0, 0, false},
		{Range{0, 0}, 10, 0, 0, false},
		{Range{1, 1<<62 - 1}, 10, 1, 9, true},
	} {
		offset, length, ok := tc.r.Resolve(tc.size)
		if ok != tc.ok || ok && (offset != tc.offset || length != tc.want) {
			t.Errorf("%+v of %d: %d+%d %v", tc.r, tc.size, offset, length, ok)
		}
	}
}

func TestCheckBucket(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"abc": true, "a-b.c1": true, "123": true, strings.Repeat("a", 63): true,
		"": false, "ab": false, strings.Repeat("a", 64): false, "Abc": false, "a_b": false, "-ab": false, "ab-": false,
		".ab": false, "a..b": false, "1.2.3.4": false, "a/b": false, "../..": false,
	} {
		if err := CheckBucket(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestEtagLists(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]bool{
		"*": true, `"a"`: true, "a": true, `W/"a"`: true, `"b", "a"`: true, `"b"`: false, `""`: false,
	} {
		if got := etagIn(list, `"a"`); got != want {
			t.Errorf("%s: %v", list, got)
		}
	}
}

func TestErrorCodesSurviveWrapping(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("reading the artifact: %w", Errorf(NoSuchKey, "b", "k", "gone"))
	if CodeOf(err) != NoSuchKey || !IsNotFound(err) || IsNotFound(Errorf(AccessDenied, "b", "", "no")) {
		t.Errorf("code of %v is %q", err, CodeOf(err))
	}
}
