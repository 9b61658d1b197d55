package execworker

import "strings"

// tailBytes and tailLines bound what is kept of a command's output.
const (
	tailBytes = 4 << 10
	tailLines = 20
)

// tail keeps the end of what is written to it.
type tail struct{ buf []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p[max(0, len(p)-tailBytes):]...)
	if over := len(t.buf) - tailBytes; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

// lines returns the last lines without blank ones at the end.
func (t *tail) lines() string {
	all := strings.Split(strings.TrimRight(strings.ToValidUTF8(string(t.buf), ""), " \t\r\n"), "\n")
	return strings.Join(all[max(0, len(all)-tailLines):], "\n")
}

// line returns the last line that is not blank.
func (t *tail) line() string {
	s := t.lines()
	return strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:])
}
