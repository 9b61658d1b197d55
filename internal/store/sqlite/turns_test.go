package sqlite

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func offerFor(b *board, id, client string, at int64) {
	b.add(boardChange{id: id, queue: "q", client: client, queuedAt: at})
}

// TestBoardTurns: one job of a client is second behind 10,000 of another.
func TestBoardTurns(t *testing.T) {
	t.Parallel()
	b := testBoard()
	for i := range 10_000 {
		offerFor(b, fmt.Sprintf("big-%05d", i), "big", int64(i))
	}
	offerFor(b, "small", "small", 20_000)
	got := append(ids(b.claim("q", 1, noon, time.Minute)), ids(b.claim("q", 2, noon, time.Minute))...)
	if fmt.Sprint(got) != "[big-00000 small big-00001]" {
		t.Errorf("claimed %v", got)
	}
}

// TestBoardTurnsAtRandom lets jobs of clients come, be handed out, held, given
// back, end and come back, and holds each claim to the rule: while a client has
// a job that can be handed out, no other is given a second one before it.
func TestBoardTurnsAtRandom(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 9))
	for range 200 {
		b := testBoard()
		var open []string
		since := map[string]map[string]bool{} // client with jobs → who was served since it waits
		ready := func() map[string]int {
			n := map[string]int{}
			if q := b.queues["q"]; q != nil {
				for name, c := range q.ready.clients {
					n[name] = len(c.items)
				}
			}
			return n
		}
		note := func() {
			now := ready()
			for c := range since {
				if now[c] == 0 {
					delete(since, c)
				}
			}
			for c, n := range now {
				if n > 0 && since[c] == nil {
					since[c] = map[string]bool{}
				}
			}
		}
		for step := range 300 {
			switch random.IntN(6) {
			case 0, 1:
				id := fmt.Sprintf("%04d", step)
				offerFor(b, id, fmt.Sprint("client-", random.IntN(4)), int64(random.IntN(50)))
				open = append(open, id)
			case 2, 3:
				for _, c := range b.claim("q", 1, noon, time.Minute) {
					client := b.jobs[c.id].client
					for waiting, served := range since {
						if waiting != client && served[client] {
							t.Fatalf("%s is served twice while %s waits", client, waiting)
						}
						served[client] = true
					}
					delete(since, client)
				}
			case 4:
				if len(open) == 0 {
					continue
				}
				if id := open[random.IntN(len(open))]; b.jobs[id].in == &b.queues["q"].hidden {
					b.giveBack(id, b.jobs[id].nonces)
				}
			case 5:
				if len(open) == 0 {
					continue
				}
				i := random.IntN(len(open))
				if b.hold(open[i]) && random.IntN(2) == 0 {
					note() // meanwhile it cannot be handed out
					b.release(open[i])
				} else {
					b.apply([]boardChange{{id: open[i], gone: true}})
					open = append(open[:i], open[i+1:]...)
				}
			}
			note()
			sum := 0
			for _, n := range ready() {
				sum += n
			}
			if q := b.queues["q"]; q != nil && (q.ready.jobs != sum || q.ready.order.Len() > len(ready())) {
				t.Fatalf("%d jobs are counted, %d are there; %d clients in order of %d", q.ready.jobs, sum, q.ready.order.Len(), len(ready()))
			}
		}
		for _, id := range open {
			b.apply([]boardChange{{id: id, gone: true}})
		}
		if len(b.queues) != 0 || len(b.jobs) != 0 {
			t.Fatalf("%d queues and %d jobs are left", len(b.queues), len(b.jobs))
		}
	}
}

// BenchmarkBoardTurns hands out of 100,000 jobs of 1000 clients.
func BenchmarkBoardTurns(b *testing.B) {
	board := testBoard()
	for i := range 100_000 {
		offerFor(board, fmt.Sprintf("%06d", i), fmt.Sprint("client-", i%1000), int64(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, c := range board.claim("q", 1, noon, time.Minute) {
			board.giveBack(c.id, c.nonces)
		}
	}
}
