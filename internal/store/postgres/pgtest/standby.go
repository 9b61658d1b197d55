package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// follower is the name of a standby in the settings of its primary.
const follower = "follower"

// Standby makes a server that follows s by streaming replication. From then on a
// commit on s is answered when it is on the follower's disk as well.
func (s *Server) Standby() (*Server, error) {
	dir, err := os.MkdirTemp(roomy(), "penstock-pg")
	if err != nil {
		return nil, err
	}
	f := &Server{dir: dir, port: s.port, as: s.as, bin: s.bin, more: append(slices.Clone(s.more), "-c", "wal_retrieve_retry_interval=100ms")}
	if f.as != nil {
		if err := os.Chown(dir, int(f.as.Uid), int(f.as.Gid)); err != nil {
			return nil, err
		}
	}
	source := fmt.Sprintf("host=%s port=%d user=postgres application_name=%s", s.dir, s.port, follower)
	if out, err := s.command("pg_basebackup", "-d", source, "-D", f.data(), "--write-recovery-conf", "--checkpoint=fast", "--no-sync").CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("pg_basebackup: %w: %s", err, out), os.RemoveAll(dir))
	}
	if err := f.Run(); err != nil {
		f.Stop()
		return nil, err
	}
	err = s.until(`SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'`,
		`ALTER SYSTEM SET synchronous_standby_names = '`+follower+`'`, `SELECT pg_reload_conf()`)
	if err != nil {
		f.Stop()
		return nil, err
	}
	return f, nil
}

// Promote has a standby take writes; its primary must be down.
func (s *Server) Promote() error { return s.until(`SELECT pg_promote()`) }

// until runs statements and waits until the condition, a query of one boolean,
// is true.
func (s *Server) until(condition string, statements ...string) error {
	ctx, done := context.WithTimeout(context.Background(), time.Minute)
	defer done()
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var is bool
		if err := conn.QueryRow(ctx, condition).Scan(&is); err != nil || is {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("never true: %s", condition)
		case <-tick.C:
		}
	}
}
