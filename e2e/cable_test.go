package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// cable is a TCP proxy between nodes and their database that tests cut and
// hold up.
type cable struct {
	url    string // of the database, by the cable
	socket string

	mu    sync.Mutex
	pairs map[*pair]bool
	until time.Time // nothing gets through before
	plan  cut
	taken int // plans that came to be
}

// cut is a way to lose a connection in the middle of something.
type cut int

const (
	none        cut = iota
	lostAnswer      // the server's word that a transaction was committed is lost
	lostRequest     // part of what is sent to the server gets there
)

// pair is a connection and how it goes on.
type pair struct{ near, far net.Conn }

func (p *pair) close() {
	p.near.Close()
	p.far.Close()
}

// layCable starts a proxy in front of the PostgreSQL server at a socket.
func layCable(t *testing.T, socket string) *cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{socket: socket, pairs: map[*pair]bool{}, url: fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=disable", l.Addr())}
	go c.accept(l)
	t.Cleanup(func() {
		l.Close()
		c.cutAll()
	})
	return c
}

func (c *cable) accept(l net.Listener) {
	for {
		near, err := l.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("unix", c.socket)
		if err != nil {
			near.Close()
			continue
		}
		p := &pair{near, far}
		c.mu.Lock()
		c.pairs[p] = true
		c.mu.Unlock()
		var both sync.WaitGroup
		both.Go(func() { c.carry(p, far, near, lostRequest) })
		both.Go(func() { c.carry(p, near, far, lostAnswer) })
		go func() {
			both.Wait()
			c.mu.Lock()
			delete(c.pairs, p)
			c.mu.Unlock()
		}()
	}
}

// committed is the message that ends a COMMIT (CommandComplete).
var committed = []byte("C\x00\x00\x00\x0bCOMMIT\x00")

// carry copies one direction; mine is the plan that would cut it.
func (c *cable) carry(p *pair, to, from net.Conn, mine cut) {
	defer p.close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if mine == lostAnswer {
			c.hold()
		}
		out, last := buf[:n], false
		c.mu.Lock()
		if c.plan == mine && (mine != lostAnswer || bytes.Contains(out, committed)) {
			c.plan, last = none, true
			c.taken++
			if out = nil; mine == lostRequest {
				out = buf[:rand.IntN(n)]
			}
		}
		c.mu.Unlock()
		if _, err := to.Write(out); err != nil || last {
			return
		}
	}
}

// hold waits while nothing is to get through.
func (c *cable) hold() {
	for {
		c.mu.Lock()
		left := time.Until(c.until)
		c.mu.Unlock()
		if left <= 0 {
			return
		}
		time.Sleep(left)
	}
}

// cutAll breaks all connections at once.
func (c *cable) cutAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := range c.pairs {
		p.close()
	}
}

// delay holds up what the database says from now on for so long.
func (c *cable) delay(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = time.Now().Add(d)
}

// cutNext loses the next connection that fits the plan.
func (c *cable) cutNext(plan cut) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plan = plan
}

// cuts is how many planned cuts came to be.
func (c *cable) cuts() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.taken
}
