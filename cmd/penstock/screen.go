package main

import (
	"io"
	"os"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// screen is how output is to look. The zero value is plain text of any width.
type screen struct {
	tty           bool
	color         bool
	width, height int
}

// terminal finds out what w is.
func terminal(w io.Writer) screen {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return screen{}
	}
	s := screen{tty: true, color: os.Getenv("NO_COLOR") == ""}
	if width, height, err := term.GetSize(int(f.Fd())); err == nil {
		s.width, s.height = width, height
	}
	return s
}

// The colours of statuses, as ANSI codes.
const (
	green  = "32"
	yellow = "33"
	red    = "31"
	cyan   = "36"
)

var statusColors = map[string]string{
	"Succeeded": green, "Failed": red, "InProgress": cyan,
	"Stopping": yellow, "Stopped": yellow, "Superseded": yellow, "Abandoned": yellow, "Cancelled": yellow,
}

// paint colours text by a status, where colours are on.
func (s screen) paint(status, text string) string {
	code := statusColors[status]
	if !s.color || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// table lays out rows under a heading, its columns padded. Lines are cut at the
// width of the screen. Cells that are statuses are coloured.
func (s screen) table(heading []string, rows [][]string) []string {
	widths := make([]int, len(heading))
	all := append([][]string{heading}, rows...)
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	lines := make([]string, len(all))
	for n, row := range all {
		var line strings.Builder
		at := 0
		for i, cell := range row {
			pad := widths[i] + 2
			if i == len(row)-1 {
				pad = 0
			}
			if s.width > 0 {
				cell = cut(cell, s.width-at)
				pad = min(pad, s.width-at)
			}
			line.WriteString(s.paint(cell, cell))
			line.WriteString(strings.Repeat(" ", max(pad-utf8.RuneCountInString(cell), 0)))
			at += max(pad, utf8.RuneCountInString(cell))
		}
		lines[n] = strings.TrimRight(line.String(), " ")
	}
	return lines
}

var colorCodes = regexp.MustCompile("\x1b\\[[0-9]+m")

// rows is how many rows of the screen a line takes.
func (s screen) rows(line string) int {
	n := utf8.RuneCountInString(colorCodes.ReplaceAllString(line, ""))
	if s.width <= 0 || n <= s.width {
		return 1
	}
	return (n + s.width - 1) / s.width
}

// cut shortens text to n characters.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	if n <= 0 {
		return ""
	}
	return string([]rune(text)[:n-1]) + "…"
}

// clean puts text from elsewhere on one line, without control characters that a
// terminal would obey.
func clean(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
}
