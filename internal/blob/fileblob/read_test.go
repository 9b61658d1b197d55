package fileblob

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"penstock/internal/blob"
)

// TestReadWhileReplaced reads a key whose versions come and go: every read
// is whole, or says that there is nothing.
func TestReadWhileReplaced(t *testing.T) {
	t.Parallel()
	s := ready(t, t.TempDir())
	if err := s.SetVersioning(t.Context(), "bucket", blob.Suspended); err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, "k", strings.Repeat("0", 10_000))
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		defer close(stop)
		for i := range 40 {
			if _, err := s.Put(t.Context(), "bucket", "k", strings.NewReader(strings.Repeat(fmt.Sprint(i%10), 10_000)), nil); err != nil {
				t.Error(err)
			}
		}
	})
	for reading := true; reading; {
		select {
		case <-stop:
			reading = false
		default:
		}
		object, err := s.Get(t.Context(), "bucket", "k", nil)
		if err != nil {
			t.Error(err)
			break
		}
		text, err := io.ReadAll(object.Body)
		object.Body.Close()
		if err != nil || len(text) != 10_000 || strings.Count(string(text), string(text[:1])) != len(text) {
			t.Errorf("read %d bytes, %v", len(text), err)
		}
	}
	writer.Wait()
}
