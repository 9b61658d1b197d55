package sqlite

import "container/list"

// turns are the jobs of a queue that can be handed out: a line for each
// client, oldest first, and the order in which the clients are served. A
// client that was served goes behind all others, and one whose line was empty
// joins behind them. Jobs without a client have one line, which is then the
// whole queue.
type turns struct {
	clients map[string]*turn // those with jobs, and the one of "" once there was one
	order   list.List        // of *turn, those with jobs, next to be served first
	jobs    int
}

type turn struct {
	line
	client string
	place  *list.Element // nil = no jobs
}

// Len is the number of jobs.
func (t *turns) Len() int { return t.jobs }

// add puts the job into the line of its client.
func (t *turns) add(j *waitingJob) {
	c := t.clients[j.client]
	if c == nil {
		if t.clients == nil {
			t.clients = map[string]*turn{}
		}
		c = &turn{client: j.client}
		t.clients[j.client] = c
	}
	c.line.add(j)
	t.jobs++
	if c.place == nil {
		c.place = t.order.PushBack(c)
	}
}

// next takes out the oldest job of the client whose turn it is.
func (t *turns) next() *waitingJob {
	c := t.order.Front().Value.(*turn)
	j := c.items[0]
	t.order.MoveToBack(c.place)
	j.leave()
	return j
}

// left notes that a job of the client has left its line.
func (t *turns) left(client string) {
	t.jobs--
	c := t.clients[client]
	if len(c.items) > 0 {
		return
	}
	t.order.Remove(c.place)
	c.place = nil
	if client != "" {
		delete(t.clients, client)
	}
}
