package fileblob

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"

	"penstock/internal/sqlite"
)

// trashBatch is how many files one transaction takes out of the trash.
const trashBatch = 256

// clean runs until ctx ends: first it looks for what a dead process left,
// then it empties the trash whenever there is some.
func (s *Store) clean(ctx context.Context) {
	if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
		s.log.Warn("search for orphaned object files failed; it runs again at the next start", "err", err)
	}
	for {
		if err := s.emptyTrash(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("removing deleted object files failed; it is tried again after the next deletion", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
	}
}

func (s *Store) wakeCleaner() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// emptyTrash removes the files in the trash that have no reader.
func (s *Store) emptyTrash(ctx context.Context) error {
	var after int64
	for {
		var names []string
		rowOf := map[string]int64{}
		err := s.db.View(ctx, func(tx *sqlite.Tx) error {
			rows := tx.Query(`SELECT seq, file FROM trash WHERE seq > ? ORDER BY seq LIMIT ?`, after, trashBatch)
			for rows.Next() {
				after = rows.Int64(0)
				names = append(names, rows.Text(1))
				rowOf[rows.Text(1)] = after
			}
			return rows.Err()
		})
		if err != nil || len(names) == 0 {
			return err
		}
		err = s.remove(names, func(removed []string) error {
			return s.db.Update(ctx, func(tx *sqlite.Tx) error {
				for _, name := range removed {
					if err := tx.Exec(`DELETE FROM trash WHERE seq = ?`, rowOf[name]); err != nil {
						return err
					}
				}
				return nil
			})
		})
		if err != nil {
			return err
		}
	}
}

// remove deletes those of the files that have no reader, and then calls then
// with their names. No reader gets at them in between.
func (s *Store) remove(names []string, then func(removed []string) error) error {
	doomed := s.files.condemn(names)
	defer s.files.forget(doomed)
	for _, name := range doomed {
		if err := s.files.remove(name); err != nil {
			return err
		}
	}
	if len(doomed) == 0 || then == nil {
		return nil
	}
	return then(doomed)
}

// sweep removes the files without a row in the folders that were written
// since the last sweep. It runs beside writers: a file whose row is still to
// come is known as fresh, and freshness is asked before the index.
func (s *Store) sweep(ctx context.Context) error {
	var from int64
	err := s.db.View(ctx, func(tx *sqlite.Tx) error {
		r, ok := tx.QueryRow(`SELECT folder FROM swept`)
		if ok {
			from = r.Int64(0)
		}
		return r.Err()
	})
	if err != nil {
		return err
	}
	folders, err := s.files.folders(from)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if err := s.sweepFolder(ctx, filepath.Join(objectsFolder, strconv.FormatInt(folder, 16))); err != nil {
			return err
		}
	}
	if s.files.first == from {
		return nil
	}
	return s.db.Update(ctx, func(tx *sqlite.Tx) error {
		return tx.Exec(`UPDATE swept SET folder = ?`, s.files.first)
	})
}

func (s *Store) sweepFolder(ctx context.Context, folder string) error {
	names, err := s.files.list(folder)
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, s.files.isFresh)
	var orphans []string
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		orphans = orphans[:0]
		for _, name := range names {
			r, ok := tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM piece WHERE file = ?1) OR EXISTS (SELECT 1 FROM part WHERE file = ?1)`, name)
			if !ok {
				return r.Err()
			}
			if !r.Bool(0) {
				orphans = append(orphans, name)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.remove(orphans, nil)
}
