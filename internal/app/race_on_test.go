//go:build race

package app

// raceEnabled says that the race detector is at work, which allocates too.
const raceEnabled = true
