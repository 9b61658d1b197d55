package execworker

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"penstock/jobworker"
)

func TestS3OverHTTP(t *testing.T) {
	t.Parallel()
	stored := map[string]string{"/bucket/a//b": "body"}
	var seen []http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Clone())
		switch {
		case r.URL.Path == "/bucket/secret":
			w.WriteHeader(http.StatusForbidden)
		case r.Method == http.MethodPut:
			b, _ := io.ReadAll(r.Body)
			stored[r.URL.Path] = string(b)
		case stored[r.URL.Path] == "":
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = io.WriteString(w, stored[r.URL.Path])
		}
	}))
	defer server.Close()
	s := NewS3(S3Config{Region: "eu-west-1", Endpoint: server.URL})
	creds := jobworker.Credentials{AccessKeyID: "ASIA", SecretAccessKey: "s", SessionToken: "session"}

	var got bytes.Buffer
	if err := s.Download(t.Context(), creds, "bucket", "a//b", &got); err != nil || got.String() != "body" {
		t.Errorf("download: %q, %v", &got, err)
	}
	if err := s.Upload(t.Context(), creds, "bucket", "p/Out/x", "key-1", strings.NewReader("packed"), 6); err != nil || stored["/bucket/p/Out/x"] != "packed" {
		t.Errorf("upload: %q, %v", stored["/bucket/p/Out/x"], err)
	}
	put := seen[len(seen)-1]
	if put.Get("X-Amz-Security-Token") != "session" || put.Get("X-Amz-Server-Side-Encryption") != "aws:kms" ||
		put.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id") != "key-1" {
		t.Errorf("upload's headers: %v", put)
	}
	if err := s.Download(t.Context(), creds, "bucket", "absent", io.Discard); !errors.Is(err, ErrNoObject) {
		t.Errorf("absent: %v", err)
	}
	if err := s.Download(t.Context(), creds, "bucket", "secret", io.Discard); !errors.Is(err, ErrDenied) {
		t.Errorf("secret: %v", err)
	}
	if err := s.Upload(t.Context(), creds, "bucket", "big", "", strings.NewReader(""), maxPut+1); err == nil {
		t.Error("an upload beyond S3's limit was tried")
	}
}
