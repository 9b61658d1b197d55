package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// site is an installation of Penstock: one server on a database file of its
// own, or nodes on one PostgreSQL database.
type site struct {
	dir      string
	database string // URL; "" = SQLite
	nodes    []*process
	started  time.Duration // how long the first node took until it was ready
	idle     int64         // resident bytes of a node that has just started, the largest
}

// site starts an installation in a folder of its own.
func (b *bench) site(ctx context.Context, name string) (*site, error) {
	s := &site{dir: filepath.Join(b.dir, name)}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	if b.database != nil {
		var err error
		if s.database, err = b.database.create(ctx); err != nil {
			return nil, err
		}
	}
	return s, b.launch(ctx, s)
}

// launch starts the nodes, also again.
func (b *bench) launch(ctx context.Context, s *site) error {
	s.nodes, s.idle = nil, 0
	env, err := b.environment(ctx, s)
	if err != nil {
		return err
	}
	for i := range b.plan.Nodes {
		dir := s.dir
		if i > 0 {
			dir = filepath.Join(s.dir, fmt.Sprint("node", i))
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return err
			}
		}
		begin := time.Now()
		p, err := startServer(ctx, dir, b.binary, env...)
		if err != nil {
			return err
		}
		b.running = append(b.running, p)
		s.nodes = append(s.nodes, p)
		if i == 0 {
			s.started = time.Since(begin)
		}
		bytes, err := p.memory("VmRSS")
		if err != nil {
			return err
		}
		s.idle = max(s.idle, bytes)
	}
	return nil
}

// environment are the settings of the nodes. Artifacts of several lie on the
// embedded S3 of one more server.
func (b *bench) environment(ctx context.Context, s *site) ([]string, error) {
	if s.database == "" {
		return nil, nil
	}
	env := []string{
		"PENSTOCK_DATABASE=" + s.database,
		"PENSTOCK_MASTER_KEY=" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))),
	}
	if b.plan.Nodes == 1 {
		return env, nil
	}
	if b.storage == nil {
		dir := filepath.Join(b.dir, "storage")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		p, err := startServer(ctx, dir, b.binary)
		if err != nil {
			return nil, err
		}
		b.running, b.storage = append(b.running, p), p
	}
	return append(env, "PENSTOCK_S3_ENDPOINT="+b.storage.url, "PENSTOCK_S3_ACCESS_KEY_ID="+accessKeyID,
		"PENSTOCK_S3_SECRET_ACCESS_KEY="+secretAccessKey, "PENSTOCK_S3_SHARE_KEYS=true"), nil
}

// stop ends the nodes in order.
func (b *bench) stop(s *site) error {
	b.running = slices.DeleteFunc(b.running, func(p *process) bool { return slices.Contains(s.nodes, p) })
	var errs []error
	for _, p := range s.nodes {
		errs = append(errs, p.stop())
	}
	return errors.Join(errs...)
}

// memory is the resident memory of the largest node, in bytes.
func (s *site) memory() (most int64, err error) {
	for _, p := range s.nodes {
		bytes, err := p.memory("VmRSS")
		if err != nil {
			return 0, err
		}
		most = max(most, bytes)
	}
	return most, nil
}

// first and last are nodes that hand over to each other.
func (s *site) first() *process { return s.nodes[0] }

func (s *site) last() *process { return s.nodes[len(s.nodes)-1] }
