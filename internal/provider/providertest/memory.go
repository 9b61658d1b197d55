// Package providertest holds the suite that every provider passes, and the ports
// in memory that it and the providers' own tests use.
package providertest

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"sync"
	"testing"

	"penstock/internal/provider"
)

// Stored is an object of Memory.
type Stored struct {
	provider.Object
	Body    []byte
	Options provider.PutOptions
}

// Memory is a provider.Buckets, a provider.Logs and a provider.Pipelines. Its
// fields may be changed while nothing uses it.
type Memory struct {
	// Denied holds keys that answer ErrDenied.
	Denied map[string]bool
	// Unversioned makes objects without version ids.
	Unversioned bool
	// OnLog, when set, is told of each write to a log.
	OnLog func(text string)
	// StartErr is what Start answers.
	StartErr error

	mu       sync.Mutex
	buckets  map[string]map[string][]Stored
	versions int
	logs     map[string]*bytes.Buffer
	starts   map[string]provider.Start // by token
}

// NewMemory returns ports with these buckets.
func NewMemory(buckets ...string) *Memory {
	m := &Memory{Denied: map[string]bool{}, buckets: map[string]map[string][]Stored{}, logs: map[string]*bytes.Buffer{}, starts: map[string]provider.Start{}}
	for _, b := range buckets {
		m.buckets[b] = map[string][]Stored{}
	}
	return m
}

func (m *Memory) find(r provider.Ref) (Stored, error) {
	keys, ok := m.buckets[r.Bucket]
	switch {
	case !ok:
		return Stored{}, fmt.Errorf("%s: %w", r.Bucket, provider.ErrNoBucket)
	case m.Denied[r.Key]:
		return Stored{}, fmt.Errorf("%s: %w", r.Key, provider.ErrDenied)
	}
	versions := keys[r.Key]
	for i := len(versions) - 1; i >= 0; i-- {
		if r.VersionID == "" || versions[i].VersionID == r.VersionID {
			return versions[i], nil
		}
	}
	return Stored{}, fmt.Errorf("%s: %w", r.Key, provider.ErrNoObject)
}

// Head implements provider.Buckets.
func (m *Memory) Head(ctx context.Context, r provider.Ref) (provider.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.find(r)
	return s.Object, err
}

// Get implements provider.Buckets.
func (m *Memory) Get(ctx context.Context, r provider.Ref) (io.ReadCloser, provider.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.find(r)
	return io.NopCloser(bytes.NewReader(s.Body)), s.Object, err
}

// Put implements provider.Buckets.
func (m *Memory) Put(ctx context.Context, r provider.Ref, body io.Reader, o provider.PutOptions) (provider.Object, error) {
	data, err := io.ReadAll(body)
	if err != nil {
		return provider.Object{}, err
	}
	if err := ctx.Err(); err != nil {
		return provider.Object{}, err
	}
	if o.Size >= 0 && o.Size != int64(len(data)) {
		return provider.Object{}, fmt.Errorf("%d bytes announced, %d sent", o.Size, len(data))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	keys, ok := m.buckets[r.Bucket]
	switch {
	case !ok:
		return provider.Object{}, fmt.Errorf("%s: %w", r.Bucket, provider.ErrNoBucket)
	case m.Denied[r.Key]:
		return provider.Object{}, fmt.Errorf("%s: %w", r.Key, provider.ErrDenied)
	}
	sum := md5.Sum(data)
	s := Stored{Body: data, Options: o, Object: provider.Object{
		ETag: `"` + hex.EncodeToString(sum[:]) + `"`, Size: int64(len(data)), ContentType: o.ContentType, Metadata: o.Metadata}}
	if !m.Unversioned {
		m.versions++
		s.VersionID = fmt.Sprint("v", m.versions)
	}
	keys[r.Key] = append(keys[r.Key], s)
	return s.Object, nil
}

// Copy implements provider.Buckets.
func (m *Memory) Copy(ctx context.Context, from, to provider.Ref) (provider.Object, error) {
	m.mu.Lock()
	s, err := m.find(from)
	m.mu.Unlock()
	if err != nil {
		return provider.Object{}, err
	}
	return m.Put(ctx, to, bytes.NewReader(s.Body), provider.PutOptions{Size: s.Size, ContentType: s.ContentType})
}

// Object returns the newest version of an object, and whether there is one.
func (m *Memory) Object(bucket, key string) (Stored, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.find(provider.Ref{Bucket: bucket, Key: key})
	return s, err == nil
}

// Keys returns how many versions each key of a bucket has.
func (m *Memory) Keys(bucket string) map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]int{}
	for key, versions := range m.buckets[bucket] {
		out[key] = len(versions)
	}
	return out
}

// Store puts an object and returns its version id.
func (m *Memory) Store(t testing.TB, bucket, key string, body []byte, metadata map[string]string) string {
	t.Helper()
	o, err := m.Put(t.Context(), provider.Ref{Bucket: bucket, Key: key}, bytes.NewReader(body), provider.PutOptions{Size: -1, Metadata: metadata})
	if err != nil {
		t.Fatal(err)
	}
	return o.VersionID
}

type logWriter struct {
	m  *Memory
	id string
}

func (l logWriter) Write(p []byte) (int, error) {
	l.m.mu.Lock()
	l.m.logs[l.id].Write(p)
	l.m.mu.Unlock()
	if l.m.OnLog != nil {
		l.m.OnLog(string(p))
	}
	return len(p), nil
}

func (logWriter) Close() error { return nil }

// Writer implements provider.Logs.
func (m *Memory) Writer(_ context.Context, id string) (io.WriteCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.logs[id] == nil {
		m.logs[id] = &bytes.Buffer{}
	}
	return logWriter{m, id}, nil
}

// Log returns the log of an action execution.
func (m *Memory) Log(id string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.logs[id] == nil {
		return ""
	}
	return m.logs[id].String()
}

// Start implements provider.Pipelines: one execution per token.
func (m *Memory) Start(ctx context.Context, s provider.Start) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if m.StartErr != nil {
		return "", m.StartErr
	}
	m.starts[s.Token] = s
	return "execution-of-" + s.Token, nil
}

// Starts returns what was started.
func (m *Memory) Starts() []provider.Start {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []provider.Start
	for _, s := range m.starts {
		out = append(out, s)
	}
	return out
}

// Zip returns a zip of these files.
func Zip(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, body := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Unzip returns the files of a zip.
func Unzip(t testing.TB, data []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = string(b)
	}
	return out
}
