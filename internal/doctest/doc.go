// Package doctest runs what the pages in docs/ tell people to paste, against
// the real binary, and compiles the programs they show.
package doctest
