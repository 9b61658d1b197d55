package transfer

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

var known = []Table{
	{Name: "tag", Key: 2, Columns: Texts("arn", "name", "value")},
	{Name: "job", Key: 1, Columns: Columns(Texts("id"), Ints("last"), Bools("deleted"), Blobs("doc", "result"))},
}

var jobs = [][]any{
	{"a", int64(1), true, []byte{0, 255, '\n'}, []byte(nil)},
	{"b\n\"ü", int64(-1 << 63), false, []byte{}, []byte("x")},
}

func write(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, Header{Kind: "state", Created: time.Unix(1, 0).UTC(), Source: "test", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range known {
		if err := w.Begin(table); err != nil {
			t.Fatal(err)
		}
		if table.Name == "job" {
			for _, row := range jobs {
				if err := w.Row(row); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.End(); err != nil {
			t.Fatal(err)
		}
	}
	tables, whole, err := w.Close()
	if err != nil || len(tables) != 2 || tables[1].Rows != 2 || whole.Rows != 2 {
		t.Fatal(tables, whole, err)
	}
	return b.Bytes()
}

// read reads all tables, as text of the JSON lines or as it was written.
func read(file []byte, known []Table) (rows [][]any, err error) {
	r, err := NewReader(bytes.NewReader(file), "state", known)
	if err != nil {
		return nil, err
	}
	for {
		t, err := r.Next()
		if t == nil || err != nil {
			return rows, err
		}
		for {
			row, err := r.Row()
			if err != nil {
				return rows, err
			}
			if row == nil {
				break
			}
			rows = append(rows, append([]any(nil), row...))
		}
	}
}

func zip(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.Bytes()
}

func unzip(t *testing.T, file []byte) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rows, err := read(write(t), known)
	if err != nil || !reflect.DeepEqual(rows, jobs) {
		t.Errorf("%v, %v", rows, err)
	}
}

func TestColumnsThatTheFileLacks(t *testing.T) {
	t.Parallel()
	more := []Table{known[0], {Name: "job", Key: 1, Columns: Columns(known[1].Columns, Ints("number"), Bools("live"), Texts("note"), Blobs("extra"))}}
	rows, err := read(write(t), more)
	if err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	if want := append(jobs[0], int64(0), false, "", []byte(nil)); !reflect.DeepEqual(rows[0], want) {
		t.Errorf("got %#v, want %#v", rows[0], want)
	}
}

// TestEveryCutIsSeen: a file that ends early is refused wherever it ends.
func TestEveryCutIsSeen(t *testing.T) {
	t.Parallel()
	whole := write(t)
	for n := range len(whole) {
		if _, err := read(whole[:n], known); err == nil {
			t.Fatalf("a file of %d of %d bytes is whole", n, len(whole))
		}
	}
	text := unzip(t, whole)
	for n := 0; n < len(text); n += 5 {
		if _, err := read(zip(text[:n]), known); err == nil {
			t.Fatalf("a text of %d of %d bytes is whole", n, len(text))
		}
	}
}

// TestEveryChangeIsSeen: none of the lines can be another.
func TestEveryChangeIsSeen(t *testing.T) {
	t.Parallel()
	text := unzip(t, write(t))
	for n := 0; n < len(text); n += 3 {
		changed := []byte(text)
		changed[n]++
		if _, err := read(zip(string(changed)), known); err == nil {
			t.Fatalf("byte %d of %q can be another", n, text)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	text := unzip(t, write(t))
	for name, tt := range map[string]struct {
		file []byte
		want error
		text string
	}{
		"newer format":      {zip(strings.Replace(text, `"format":1`, `"format":2`, 1)), ErrNewer, "format 2"},
		"unknown table":     {zip(strings.Replace(text, `"table":"tag"`, `"table":"future"`, 1)), ErrNewer, "future"},
		"unknown column":    {zip(strings.Replace(text, `"value"]`, `"future"]`, 1)), ErrNewer, "tag.future"},
		"column twice":      {zip(strings.Replace(text, `"value"]`, `"name"]`, 1)), ErrDamaged, "tag.name"},
		"something follows": {zip(text + "{}\n"), ErrDamaged, "something follows"},
		"artifacts":         {zip(strings.Replace(text, `"state"`, `"artifacts"`, 1)), nil, "artifacts, not of its state"},
		"no gzip":           {[]byte("hello"), nil, "no export of penstock"},
		"not ours":          {zip("hello\n"), nil, "no export of penstock"},
	} {
		_, err := read(tt.file, known)
		if err == nil || !strings.Contains(err.Error(), tt.text) || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRowsThatCannotComeBack(t *testing.T) {
	t.Parallel()
	for name, row := range map[string][]any{
		"not UTF-8":       {"\xff", "", ""},
		"too few":         {"", ""},
		"another type":    {"", "", int64(1)},
		"a type of no DB": {"", "", 1.5},
	} {
		w := NewDigest()
		if err := w.Begin(known[0]); err != nil {
			t.Fatal(err)
		}
		if err := w.Row(row); err == nil {
			t.Errorf("%s: written", name)
		}
	}
}
