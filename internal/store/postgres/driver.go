package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
	"penstock/internal/store/memo"
)

// Options are the settings of Open. Sealer is needed.
type Options struct {
	Sealer store.Sealer
	Logger *slog.Logger     // nothing is logged if nil
	Now    func() time.Time // the database's clock if nil; tells when hidden jobs come back
	// Node names this process among those on the database, for instance by
	// its data folder; a node that starts again under its name takes back
	// at once what it held. Address is where others reach it.
	Node, Address string
}

// cacheBytes bounds the documents in each cache, in their stored form.
const cacheBytes = 8 << 20

// liveBytes bounds what is known of pipelines: to read it anew takes the whole
// group of a call one or two round trips more.
const liveBytes = 32 << 20

type declarationKey struct {
	pipelineID int64
	version    int
}

// Driver is a store.Driver on PostgreSQL.
type Driver struct {
	log    *slog.Logger
	sealer store.Sealer
	now    func() time.Time
	clock  clock
	alive  context.Context // ends with the driver
	end    context.CancelFunc

	durable *pgx.ConnConfig // connections whose commits are on the disk
	pool    *pgxpool.Pool   // of such connections: readers, and updates that run alone
	quick   *pgxpool.Pool   // for hand-outs and notices, which a crash of the server may forget
	lane    *lane
	room    *room
	desk    *desk
	news    *news
	node    node
	loops   sync.WaitGroup

	seen         seenTypes
	declarations *memo.Shared[declarationKey, *pipeline.Declaration] // committed versions
	jobs         *memo.Shared[string, *job.Job]                      // what never changes of a job
	live         *memo.Shared[int64, *live]                          // as of some change

	groups, alone     atomic.Int64 // transactions of groups, and of updates that ran alone
	updates, failures atomic.Int64
	statements        counter
	claims            atomic.Int64 // that asked the database

	timers   chan struct{}
	earliest atomic.Int64 // no timer that a listener does not know of is due earlier
	outbox   notice       // counts reasons to look at the outbox
}

var _ store.Driver = (*Driver)(nil)

// Open connects to the database at url, migrates it and joins the nodes that
// work on it.
func Open(ctx context.Context, url string, opt Options) (*Driver, error) {
	if opt.Sealer == nil {
		return nil, errors.New("store: no sealer for secrets")
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	d := &Driver{
		log: opt.Logger, sealer: opt.Sealer, now: opt.Now,
		declarations: memo.NewShared[declarationKey, *pipeline.Declaration](cacheBytes),
		jobs:         memo.NewShared[string, *job.Job](cacheBytes),
		live:         memo.NewShared[int64, *live](liveBytes),
		timers:       make(chan struct{}, 1),
	}
	if d.now == nil {
		d.now = d.clock.now
	}
	d.alive, d.end = context.WithCancel(context.Background())
	d.earliest.Store(math.MaxInt64)
	d.room, d.desk = newRoom(d), newDesk(d)
	if err := d.open(ctx, url, opt); err != nil {
		d.end()
		for _, p := range []*pgxpool.Pool{d.pool, d.quick} {
			if p != nil {
				p.Close()
			}
		}
		return nil, fmt.Errorf("--database: %w", plain(err))
	}
	return d, nil
}

func (d *Driver) open(ctx context.Context, url string, opt Options) error {
	config, err := parse(url)
	if err != nil {
		return err
	}
	if err := d.migrateOnStart(ctx, config); err != nil {
		return err
	}
	config.ConnConfig.Tracer = &d.statements
	d.durable = config.ConnConfig
	if d.pool, err = pgxpool.NewWithConfig(d.alive, config); err != nil {
		return err
	}
	quick := config.Copy()
	quick.ConnConfig.RuntimeParams["synchronous_commit"] = "off"
	quick.MaxConns = 4
	if d.quick, err = pgxpool.NewWithConfig(d.alive, quick); err != nil {
		return err
	}
	if err := d.readClock(ctx); err != nil {
		return err
	}
	if err := d.checkKey(ctx); err != nil {
		return err
	}
	if err := d.join(ctx, opt); err != nil {
		return err
	}
	if err := d.checkKey(ctx); err != nil { // Rekey may have come between, but finds this node from now on
		return err
	}
	d.news = newNews(d)
	if err := d.news.listen(ctx); err != nil {
		return err
	}
	d.lane = newLane(d)
	d.loops.Go(d.news.receive)
	d.loops.Go(d.news.tell)
	d.loops.Go(d.beat)
	d.loops.Go(d.look)
	d.loops.Go(d.desk.run)
	return nil
}

// parse reads the URL of the database and adds what every session needs.
func parse(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err // pgx masks the password
	}
	set := config.ConnConfig.RuntimeParams
	for name, value := range map[string]string{
		"application_name":                    "penstock",
		"synchronous_commit":                  "on",
		"statement_timeout":                   "30s",
		"lock_timeout":                        "10s",
		"idle_in_transaction_session_timeout": "8s", // frees what a paused process has locked
		// Plans are made once a session, perhaps when tables are small, and do
		// not depend on arguments: an index is always right (TestPlans).
		"plan_cache_mode": "force_generic_plan",
		"enable_seqscan":  "off",
		"jit":             "off",
	} {
		if set[name] == "" {
			set[name] = value
		}
	}
	if weak(set["synchronous_commit"]) {
		return nil, fmt.Errorf("synchronous_commit=%s in the URL: calls would be answered that a crash can undo; leave it out", set["synchronous_commit"])
	}
	config.ConnConfig.ConnectTimeout = connectTimeout
	config.AfterConnect = takeColumns
	if config.MaxConns < 8 {
		config.MaxConns = int32(max(8, 2*runtime.NumCPU()))
	}
	return config, nil
}

// weak reports whether commits that are answered with this setting can be lost.
func weak(synchronousCommit string) bool {
	return synchronousCommit == "off" || synchronousCommit == "local"
}

// Update implements store.Driver.
func (d *Driver) Update(ctx context.Context, fn func(store.Tx) error) error {
	for {
		ahead, err := d.update(ctx, fn)
		if ahead == nil {
			return err
		}
		<-ahead.ended
	}
}

// update runs fn in a group, or alone if that does not do. It did nothing if
// there is a group whose end is to be awaited first.
func (d *Driver) update(ctx context.Context, fn func(store.Tx) error) (ahead *group, err error) {
	c := &call{ctx: ctx, resume: make(chan struct{}, 1), verdict: make(chan error, 1)}
	if err := d.lane.enter(c); err != nil {
		return nil, err
	}
	t := d.newTxn(nil)
	t.call, c.t = c, t
	finished := false
	defer func() { // when fn panics
		if !finished {
			_ = c.finish(false) // the panic tells
		}
	}()
	err = fn(t)
	finished = true
	c.writes = t.writes
	end := c.finish(err == nil)
	if errors.Is(end, errAborted) && c.behind != nil && !c.flushed {
		return c.behind, nil
	}
	d.updates.Add(1)
	switch {
	case errors.Is(end, errAborted):
		return nil, d.noteFailure(d.solo(ctx, fn, t.wantsDefinitions))
	case end != nil:
		return nil, d.noteFailure(end)
	case err != nil:
		return nil, err
	}
	t.committed()
	return nil, nil
}

// View implements store.Driver. The transaction begins with its first
// statement.
func (d *Driver) View(ctx context.Context, fn func(store.Reader) error) error {
	s := &viewing{d: d, ctx: ctx}
	defer s.end()
	return fn(&view{reader{d: d, s: s, now: d.now()}})
}

// acquire takes a connection for reading. A database that is down is waited
// for, up to patience.
func (d *Driver) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	pause := 10 * time.Millisecond
	for began := time.Now(); ; {
		conn, err := d.pool.Acquire(ctx)
		if !unreachable(err) || d.alive.Err() != nil || time.Since(began) > patience {
			return conn, plain(d.closing(err))
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, time.Second)
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ctx.Err(), plain(err))
		}
	}
}

// viewing is the transaction of a View.
type viewing struct {
	d    *Driver
	ctx  context.Context
	conn *pgxpool.Conn
}

func (s *viewing) run(statements ...statement) error {
	var b batch
	if s.conn == nil {
		conn, err := s.d.acquire(s.ctx)
		if err != nil {
			return err
		}
		s.conn = conn
		b.ask([]statement{{sql: `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`}})
	}
	b.ask(statements)
	return plain(send(s.ctx, s.conn.Conn(), &b))
}

func (s *viewing) end() {
	if s.conn == nil {
		return
	}
	if c := s.conn.Conn(); !c.IsClosed() {
		ctx, done := context.WithTimeout(s.d.alive, time.Second)
		defer done()
		if _, err := c.Exec(ctx, `COMMIT`); err != nil {
			_ = c.Close(ctx) // the pool makes another
		}
	}
	s.conn.Release()
}

// Close implements store.Driver.
func (d *Driver) Close() error {
	d.room.close()
	if d.alive.Err() != nil {
		return nil
	}
	d.lane.stop()
	err := d.leave()
	d.end()
	d.loops.Wait()
	d.pool.Close()
	d.quick.Close()
	return err
}

// reader reads through one transaction.
type reader struct {
	d   *Driver
	s   session
	now time.Time
}

// view is a read-only transaction. It sees committed values only, so it may
// use the caches that all readers share.
type view struct{ reader }

// millis is the stored form of a time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
