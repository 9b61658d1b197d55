package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// maxNotice is how long the payload of a NOTIFY may become.
const maxNotice = 7000

// news carries hints between nodes by NOTIFY: of jobs that were queued, of
// timers, of action types, of the outbox. They are sent after the commit, in
// transactions of their own, since a NOTIFY makes commits wait for each other;
// one that is lost is made good by the slow poll. What this process does it
// knows without.
type news struct {
	d       *Driver
	channel string
	conn    *pgx.Conn     // listens
	wake    chan struct{} // room for one
	others  atomic.Bool   // there are other nodes

	mu   sync.Mutex
	jobs map[string]int // queued, by queue
	rest map[string]bool
}

func newNews(d *Driver) *news {
	n := &news{d: d, wake: make(chan struct{}, 1), jobs: map[string]int{}, rest: map[string]bool{}}
	n.others.Store(true) // until it is known
	return n
}

func (n *news) queued(queue string) {
	if n.others.Load() {
		n.mu.Lock()
		n.jobs[queue]++
		n.mu.Unlock()
		n.signal()
	}
}

func (n *news) note(what string) {
	if n.others.Load() {
		n.mu.Lock()
		n.rest[what] = true
		n.mu.Unlock()
		n.signal()
	}
}

func (n *news) types()  { n.note("types") }
func (n *news) timer()  { n.note("timer") }
func (n *news) outbox() { n.note("outbox") }

func (n *news) signal() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// tell sends what there is to tell until the driver ends.
func (n *news) tell() {
	for {
		select {
		case <-n.d.alive.Done():
			return
		case <-n.wake:
		}
		for _, payload := range n.collect() {
			if _, err := n.d.quick.Exec(n.d.alive, `SELECT pg_notify($1, $2)`, n.channel, payload); err != nil {
				break // the slow poll makes it good
			}
		}
	}
}

// collect writes what there is to tell: a line with the sender, then a line
// each.
func (n *news) collect() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	head := "from " + strconv.FormatInt(n.d.node.lease.Load(), 10)
	var all []string
	b := head
	add := func(line string) {
		if len(line) > maxNotice-len(head)-1 {
			return
		}
		if len(b)+1+len(line) > maxNotice {
			all = append(all, b)
			b = head
		}
		b += "\n" + line
	}
	for what := range n.rest {
		add(what)
	}
	for queue, count := range n.jobs {
		add("jobs " + strconv.Itoa(count) + " " + queue)
	}
	clear(n.jobs)
	clear(n.rest)
	return append(all, b)
}

// listen connects the listening session.
func (n *news) listen(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, connectTimeout)
	defer done()
	conn, err := pgx.ConnectConfig(ctx, n.d.durable.Copy())
	if err != nil {
		return err
	}
	var schema string
	if err := conn.QueryRow(ctx, `SELECT current_schema()`).Scan(&schema); err != nil {
		return err
	}
	n.channel = "penstock_" + schema
	if len(n.channel) > 63 {
		return fmt.Errorf("the name of the schema %q is longer than 54 bytes", schema)
	}
	if _, err := conn.Exec(ctx, `LISTEN `+pgx.Identifier{n.channel}.Sanitize()); err != nil {
		return err
	}
	n.conn = conn
	return nil
}

// receive hears until the driver ends. When the connection is lost it makes
// another; what was missed meanwhile is looked for.
func (n *news) receive() {
	pause := 100 * time.Millisecond
	for {
		if n.conn != nil {
			notice, err := n.conn.WaitForNotification(n.d.alive)
			if err == nil {
				n.hear(notice.Payload)
				continue
			}
			_ = n.conn.Close(context.Background()) // it is lost
			n.conn = nil
		}
		if n.d.alive.Err() != nil {
			return
		}
		if err := n.listen(n.d.alive); err != nil {
			select {
			case <-n.d.alive.Done():
				return
			case <-time.After(pause):
				pause = min(2*pause, 2*time.Second)
			}
			continue
		}
		pause = 100 * time.Millisecond
		n.missed()
	}
}

// missed acts as if everything had been heard.
func (n *news) missed() {
	n.d.room.forget()
	n.d.seen.changed()
	n.d.outbox.ring()
	n.d.hintTimer()
}

func (n *news) hear(payload string) {
	lines := strings.Split(payload, "\n")
	if lines[0] == "from "+strconv.FormatInt(n.d.node.lease.Load(), 10) {
		return
	}
	for _, line := range lines[1:] {
		switch word, rest, _ := strings.Cut(line, " "); word {
		case "types":
			n.d.seen.changed()
		case "timer":
			n.d.hintTimer()
		case "outbox":
			n.d.outbox.ring()
		case "jobs":
			count, queue, _ := strings.Cut(rest, " ")
			if k, err := strconv.Atoi(count); err == nil {
				n.d.room.announce(queue, k)
			}
		}
	}
}
