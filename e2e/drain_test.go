package e2e

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"penstock/jobworker"
)

// TestDrain tells a server to end while it answers calls: an upload goes on to its
// end, a poll that waits for jobs is let go, and no new call is taken.
func TestDrain(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--listen", freeAddress(t))
	s.bucket("stop")
	s.call("CreateCustomActionType", object{"category": "Build", "provider": "Stop", "version": "1",
		"inputArtifactDetails": object{"minimumCount": 0, "maximumCount": 1}, "outputArtifactDetails": object{"minimumCount": 0, "maximumCount": 1}}, nil)
	began, polled := time.Now(), make(chan error, 1)
	go func() {
		_, err := jobworker.NewClient(s.caller(), kitType("Build", "Custom", "Stop"), nil).Poll(t.Context(), 1, 20*time.Second)
		polled <- err
	}()

	const first, last = "the first half, ", "the second half"
	body, write := io.Pipe()
	begun, uploaded := make(chan struct{}), make(chan string, 1)
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(begun) }})
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, s.url+"/stop/late.txt", body)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = int64(len(first + last))
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	keys := aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secretKey}
	if err := v4.NewSigner().SignHTTP(ctx, keys, r, "UNSIGNED-PAYLOAD", "s3", region, time.Now()); err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Expect", "100-continue") // who is told so is being served
	go func() {
		resp, err := (&http.Transport{ExpectContinueTimeout: patience}).RoundTrip(r)
		if err != nil {
			uploaded <- err.Error()
			return
		}
		resp.Body.Close()
		uploaded <- resp.Status
	}()
	<-begun
	if _, err := io.WriteString(write, first); err != nil {
		t.Fatal(err)
	}

	ended := make(chan error, 1)
	go func() { ended <- s.stop() }()
	until(t, "the server to take no new calls", func(ctx context.Context) (string, bool) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(s.url, "http://"))
		if err == nil {
			conn.Close()
		}
		return "it does", err != nil
	})
	<-polled
	if took := time.Since(began); took > 14*time.Second {
		t.Errorf("the poll was let go after %v, as if nothing had happened", took)
	}
	if _, err := io.WriteString(write, last); err != nil {
		t.Fatal(err)
	}
	write.Close()
	if status := <-uploaded; status != "200 OK" {
		t.Errorf("the upload ended with %s", status)
	}
	if err := <-ended; err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	if got := s.get("stop", "late.txt"); string(got) != first+last {
		t.Errorf("the object holds %q", got)
	}
}
