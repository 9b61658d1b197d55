package fileblob

import (
	"context"
	"strings"

	"penstock/internal/blob"
	"penstock/internal/sqlite"
)

// maxPage is the most entries of one listing.
const maxPage = 1000

func pageSize(asked int) int {
	if asked <= 0 || asked > maxPage {
		return maxPage
	}
	return asked
}

// beyond is the least string above all that begin with prefix. A byte that
// UTF-8 never has stands for "no bound".
func beyond(prefix string) []byte {
	end := []byte(prefix)
	for len(end) > 0 {
		if end[len(end)-1]++; end[len(end)-1] != 0 {
			return end
		}
		end = end[:len(end)-1]
	}
	return []byte{0xff}
}

// commonPrefix is what a delimiter makes of a key, "" when the key is listed
// as itself.
func commonPrefix(key, prefix, delimiter string) string {
	if delimiter == "" {
		return ""
	}
	i := strings.Index(key[len(prefix):], delimiter)
	if i < 0 {
		return ""
	}
	return key[:len(prefix)+i+len(delimiter)]
}

// start is the first key that a listing looks at: behind the marker, and
// behind all that a common prefix stands for when the marker is one.
func start(prefix, delimiter, marker string) []byte {
	if marker < prefix {
		return []byte(prefix)
	}
	if !strings.HasPrefix(marker, prefix) {
		return beyond("")
	}
	if marker == "" {
		return nil
	}
	if commonPrefix(marker, prefix, delimiter) == marker {
		return beyond(marker)
	}
	return append([]byte(marker), 0)
}

// List implements [blob.Store]. The keys under a common prefix are skipped by
// seeking behind them, so a page costs its own length, not the bucket's.
func (s *Store) List(ctx context.Context, bucket string, o *blob.ListOptions) (blob.Page, error) {
	if o == nil {
		o = &blob.ListOptions{}
	}
	var page blob.Page
	err := s.db.View(ctx, func(tx *sqlite.Tx) error {
		b, err := findBucket(tx, bucket)
		if err != nil {
			return err
		}
		page, err = list(tx, b, o)
		return err
	})
	return page, err
}

func list(tx *sqlite.Tx, b bucketRow, o *blob.ListOptions) (page blob.Page, err error) {
	left, last := pageSize(o.Max), ""
	from, end := start(o.Prefix, o.Delimiter, o.After), beyond(o.Prefix)
	for {
		rows := tx.Query(`SELECT key, id, size, etag, modified FROM version INDEXED BY version_live
			WHERE bucket = ? AND latest = 1 AND marker = 0 AND key >= ? AND key < ? ORDER BY key LIMIT ?`, b.id, nonNil(from), end, left+1)
		skip := ""
		for skip == "" && rows.Next() {
			if left == 0 {
				rows.Close()
				page.Next = last
				return page, nil
			}
			left--
			key := rows.Text(0)
			if skip = commonPrefix(key, o.Prefix, o.Delimiter); skip != "" {
				page.Prefixes = append(page.Prefixes, skip)
				last = skip
				continue
			}
			page.Objects = append(page.Objects, blob.Info{
				Bucket: b.Name, Key: key, VersionID: rows.Text(1), Latest: true,
				Size: rows.Int64(2), ETag: `"` + rows.Text(3) + `"`, Modified: fromMillis(rows.Int64(4)),
			})
			last = key
		}
		rows.Close()
		if err := rows.Err(); err != nil || skip == "" {
			return page, err
		}
		from = beyond(skip)
	}
}

// nonNil keeps an empty key from being bound as NULL.
func nonNil(key []byte) []byte {
	if key == nil {
		return []byte{}
	}
	return key
}

// ListVersions implements [blob.Backend].
func (s *Store) ListVersions(ctx context.Context, bucket string, o *blob.VersionsOptions) (blob.VersionsPage, error) {
	if o == nil {
		o = &blob.VersionsOptions{}
	}
	var page blob.VersionsPage
	err := s.db.View(ctx, func(tx *sqlite.Tx) error {
		b, err := findBucket(tx, bucket)
		if err != nil {
			return err
		}
		page = blob.VersionsPage{}
		return listVersions(tx, b, o, &page)
	})
	return page, err
}

const (
	versionsFrom = selectVersion + `WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key, seq DESC LIMIT ?`
	versionsOf   = selectVersion + `WHERE bucket = ? AND key = ? AND seq < ? ORDER BY seq DESC LIMIT ?`
)

func listVersions(tx *sqlite.Tx, b bucketRow, o *blob.VersionsOptions, page *blob.VersionsPage) error {
	left := pageSize(o.Max)
	var lastKey, lastVersion string
	// read takes entries from rows until the page is full, or until a common
	// prefix, which it returns.
	read := func(rows *sqlite.Rows) (skip string, full bool, err error) {
		defer rows.Close()
		for rows.Next() {
			if left == 0 {
				page.NextKey, page.NextVersion = lastKey, lastVersion
				return "", true, nil
			}
			left--
			v := scanVersion(rows, b.Name)
			if skip = commonPrefix(v.info.Key, o.Prefix, o.Delimiter); skip != "" {
				page.Prefixes = append(page.Prefixes, skip)
				lastKey, lastVersion = skip, ""
				return skip, false, nil
			}
			page.Versions = append(page.Versions, v.info)
			lastKey, lastVersion = v.info.Key, v.info.VersionID
		}
		return "", false, rows.Err()
	}
	from, end := start(o.Prefix, o.Delimiter, o.KeyMarker), beyond(o.Prefix)
	if o.VersionMarker != "" && strings.HasPrefix(o.KeyMarker, o.Prefix) {
		seq, err := versionNumber(tx, b, o.KeyMarker, o.VersionMarker)
		if err != nil {
			return err
		}
		skip, full, err := read(tx.Query(versionsOf, b.id, []byte(o.KeyMarker), seq, left+1))
		if err != nil || full {
			return err
		}
		if skip != "" {
			from = beyond(skip)
		}
	}
	for {
		skip, full, err := read(tx.Query(versionsFrom, b.id, nonNil(from), end, left+1))
		if err != nil || full || skip == "" {
			return err
		}
		from = beyond(skip)
	}
}

func versionNumber(tx *sqlite.Tx, b bucketRow, key, id string) (int64, error) {
	if id == nullVersion {
		v, found, err := byID(tx, b, key, id)
		if err != nil || found {
			return v.seq, err
		}
	}
	seq, ok := idNumber(id)
	if !ok {
		return 0, blob.Errorf(blob.InvalidArgument, b.Name, key, "Invalid version id specified")
	}
	return seq, nil
}
