package s3blob

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"penstock/internal/blob"
	"penstock/internal/blob/fileblob"
)

// filled is a bucket with versions, and the two stores that see it.
func filled(t *testing.T, v blob.Versioning) (*Store, *fileblob.Store) {
	t.Helper()
	o, embedded := external(t)
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s.page = aws.Int32(3) // so that there are several
	if err := s.EnsureBucket(t.Context(), "bucket", nil); err != nil {
		t.Fatal(err)
	}
	if err := embedded.SetVersioning(t.Context(), "bucket", v); err != nil {
		t.Fatal(err)
	}
	put := func(key string) {
		if _, err := s.Put(t.Context(), "bucket", key, strings.NewReader("content of "+key), nil); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		put("p/a b+ü%/1")
	}
	if _, err := s.Delete(t.Context(), "bucket", "p/a b+ü%/1", nil); err != nil {
		t.Fatal(err)
	}
	put("p/a b+ü%/1")
	put("p/a b+ü%/10")
	put("p/z")
	return s, embedded
}

func keys(t *testing.T, s *fileblob.Store) (list []string) {
	t.Helper()
	page, err := s.ListVersions(t.Context(), "bucket", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range page.Versions {
		list = append(list, v.Key)
	}
	return slices.Compact(list)
}

// TestRemoveObject removes all versions of one key and nothing else.
func TestRemoveObject(t *testing.T) {
	t.Parallel()
	for _, v := range []blob.Versioning{blob.Enabled, blob.Suspended} {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			s, embedded := filled(t, v)
			for range 2 { // the second time it is not there
				if err := s.RemoveObject(t.Context(), "bucket", "p/a b+ü%/1"); err != nil {
					t.Fatal(err)
				}
			}
			if got := keys(t, embedded); !slices.Equal(got, []string{"p/a b+ü%/10", "p/z"}) {
				t.Errorf("%q are left", got)
			}
			if err := s.RemoveObject(t.Context(), "no-such-bucket", "k"); err != nil {
				t.Errorf("in a bucket that is not there: %v", err)
			}
		})
	}
}

// TestRemoveBefore removes what is old, below a key, and ours.
func TestRemoveBefore(t *testing.T) {
	t.Parallel()
	any := func(string) bool { return true }
	for name, tt := range map[string]struct {
		below string
		t     time.Time
		ours  func(string) bool
		want  []string
	}{
		"all that is below": {"p/z", time.Now().Add(time.Hour), any, []string{"p/z"}},
		"nothing is old":    {"p/z", time.Now().Add(-time.Hour), any, []string{"p/a b+ü%/1", "p/a b+ü%/10", "p/z"}},
		"some are ours":     {"q", time.Now().Add(time.Hour), func(k string) bool { return k != "p/a b+ü%/10" }, []string{"p/a b+ü%/10"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, embedded := filled(t, blob.Enabled)
			if err := s.RemoveBefore(t.Context(), "bucket", tt.below, tt.t, tt.ours); err != nil {
				t.Fatal(err)
			}
			if got := keys(t, embedded); !slices.Equal(got, tt.want) {
				t.Errorf("%q are left, want %q", got, tt.want)
			}
		})
	}
	s, _ := filled(t, blob.Enabled)
	if err := s.RemoveBefore(t.Context(), "no-such-bucket", "z", time.Now(), any); err != nil {
		t.Errorf("in a bucket that is not there: %v", err)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	s, _ := filled(t, blob.Enabled)
	var n, bytes, markers int64
	err := s.Usage(t.Context(), "bucket", "p/a", func(v blob.Info) {
		n++
		bytes += v.Size
		if v.Marker {
			markers++
		}
	})
	if want := int64(6*len("content of p/a b+ü%/1") + len("content of p/a b+ü%/10")); err != nil || n != 8 || markers != 1 || bytes != want {
		t.Errorf("%d versions, %d of them markers, %d bytes of %d, %v", n, markers, bytes, want, err)
	}
}

// answering is the store behind a server that refuses what says so.
func answering(t *testing.T, refuse func(r *http.Request) (status int, code string)) (*Store, *fileblob.Store) {
	t.Helper()
	o, embedded := external(t)
	behind, err := url.Parse(o.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(behind)
		r.Out.Host = r.In.Host // it is signed
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status, code := refuse(r); status != 0 {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(status)
			w.Write([]byte(`<Error><Code>` + code + `</Code><Message>no</Message></Error>`))
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	o.Endpoint = server.URL
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.EnsureBucket(t.Context(), "bucket", nil); err != nil {
		t.Fatal(err)
	}
	if err := embedded.SetVersioning(t.Context(), "bucket", blob.Suspended); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"k", "k2"} {
		if _, err := s.Put(t.Context(), "bucket", key, strings.NewReader("x"), nil); err != nil {
			t.Fatal(err)
		}
	}
	return s, embedded
}

// TestWithoutVersions: a server that knows no versions has its objects removed
// all the same.
func TestWithoutVersions(t *testing.T) {
	t.Parallel()
	s, embedded := answering(t, func(r *http.Request) (int, string) {
		if r.URL.Query().Has("versions") {
			return http.StatusNotImplemented, "NotImplemented"
		}
		return 0, ""
	})
	if err := s.RemoveObject(t.Context(), "bucket", "k"); err != nil {
		t.Fatal(err)
	}
	page, err := embedded.List(t.Context(), "bucket", nil)
	if err != nil || len(page.Objects) != 1 || page.Objects[0].Key != "k2" {
		t.Errorf("%+v is left, %v", page.Objects, err)
	}
}

// TestRemovalIsDenied: a refusal has its code wherever it comes from.
func TestRemovalIsDenied(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"to list":   "versions",
		"to delete": "delete",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, embedded := answering(t, func(r *http.Request) (int, string) {
				if r.URL.Query().Has(query) {
					return http.StatusForbidden, "AccessDenied"
				}
				return 0, ""
			})
			if err := s.RemoveObject(t.Context(), "bucket", "k"); blob.CodeOf(err) != blob.AccessDenied {
				t.Errorf("got %v", err)
			}
			if got := keys(t, embedded); len(got) != 2 {
				t.Errorf("%q are left", got)
			}
		})
	}
}
