package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/store/postgres/pgtest"
)

// ownServer is the value of --database for a PostgreSQL that the bench starts.
const ownServer = "postgres"

// ownSettings are what the bench's own PostgreSQL has beside its defaults, as
// everybody sets who uses it in earnest.
var ownSettings = []string{"shared_buffers=512MB", "max_wal_size=4GB"}

// database is the PostgreSQL server that the measured nodes work on. Each
// installation has a database of its own there, which close drops.
type database struct {
	url  string
	own  *pgtest.Server // nil = somebody else's
	made []string
}

// openDatabase finds the server, or starts one with its data in dir.
func openDatabase(ctx context.Context, value, dir string) (*database, error) {
	if value == ownServer {
		// PostgreSQL may run as another user, who must get to its folder.
		if err := os.Chmod(dir, 0o711); err != nil {
			return nil, err
		}
		s, err := pgtest.StartIn(dir, ownSettings...)
		if err != nil {
			return nil, err
		}
		return &database{url: s.URL(), own: s}, nil
	}
	d := &database{url: value}
	return d, d.run(ctx, `SELECT`)
}

func (d *database) run(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, d.url)
	if err != nil {
		return fmt.Errorf("--database: %w", err)
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

// create makes an empty database and returns its URL.
func (d *database) create(ctx context.Context) (string, error) {
	u, err := url.Parse(d.url)
	if err != nil {
		return "", fmt.Errorf("--database must be a URL: %w", err)
	}
	name := fmt.Sprintf("penstock_bench_%d_%d", os.Getpid(), len(d.made))
	if err := d.run(ctx, `CREATE DATABASE `+name); err != nil {
		return "", err
	}
	d.made = append(d.made, name)
	u.Path = "/" + name
	return u.String(), nil
}

// close drops what create made, or ends the bench's own server.
func (d *database) close() error {
	if d.own != nil {
		d.own.Stop()
		return nil
	}
	ctx, done := context.WithTimeout(context.Background(), time.Minute)
	defer done()
	var errs []error
	for _, name := range d.made {
		errs = append(errs, d.run(ctx, `DROP DATABASE `+name+` WITH (FORCE)`))
	}
	return errors.Join(errs...)
}

// cpu is the processor time that the bench's own server used so far, in
// seconds; 0 for somebody else's.
func (d *database) cpu() float64 {
	if d == nil || d.own == nil {
		return 0
	}
	total := 0.0
	for i, pid := range d.own.Processes() {
		raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			continue // it has ended since
		}
		seconds, err := parseStat(raw)
		if err != nil {
			continue
		}
		total += seconds
		if i == 0 {
			total += reaped(raw)
		}
	}
	return total
}

// reaped is the processor time of the children that have ended, in seconds:
// cutime and cstime, fields 16 and 17.
func reaped(raw []byte) float64 {
	fields := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
	user, _ := strconv.Atoi(string(fields[13]))
	system, _ := strconv.Atoi(string(fields[14]))
	return float64(user+system) / clockTick
}
