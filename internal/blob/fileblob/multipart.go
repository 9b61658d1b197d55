package fileblob

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"penstock/internal/blob"
	"penstock/internal/sqlite"
)

// uploadRow is a row of table upload.
type uploadRow struct {
	seq    int64
	bucket bucketRow
	blob.Upload
}

const selectUpload = `SELECT seq, id, key, created, detail FROM upload `

func scanUpload(r *sqlite.Rows, b bucketRow) (uploadRow, error) {
	u := uploadRow{seq: r.Int64(0), bucket: b}
	u.UploadID = blob.UploadID{Bucket: b.Name, Key: r.Text(2), ID: r.Text(1)}
	u.Created = fromMillis(r.Int64(3))
	if err := json.Unmarshal(r.RawBytes(4), &u.UploadOptions); err != nil {
		return u, fmt.Errorf("fileblob: detail of upload %d: %w", u.seq, err)
	}
	return u, nil
}

func findUpload(tx *sqlite.Tx, id blob.UploadID) (uploadRow, error) {
	b, err := findBucket(tx, id.Bucket)
	if err != nil {
		return uploadRow{}, err
	}
	r, ok := tx.QueryRow(selectUpload+`WHERE id = ? AND bucket = ? AND key = ?`, id.ID, b.id, []byte(id.Key))
	if ok {
		return scanUpload(r, b)
	}
	if err := r.Err(); err != nil {
		return uploadRow{}, err
	}
	return uploadRow{}, blob.Errorf(blob.NoSuchUpload, id.Bucket, id.Key,
		"The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
}

// dropUpload removes an upload and leaves the files of its parts to the
// cleaner.
func dropUpload(tx *sqlite.Tx, seq int64) error {
	for _, sql := range []string{
		`INSERT INTO trash (file) SELECT file FROM part WHERE upload = ? ORDER BY n`,
		`DELETE FROM part WHERE upload = ?`,
		`DELETE FROM upload WHERE seq = ?`,
	} {
		if err := tx.Exec(sql, seq); err != nil {
			return err
		}
	}
	return nil
}

// CreateUpload implements [blob.Multiparts].
func (s *Store) CreateUpload(ctx context.Context, bucket, key string, o *blob.UploadOptions) (blob.Upload, error) {
	u := blob.Upload{Created: s.stamp()}
	if o != nil {
		u.UploadOptions = *o
	}
	if err := blob.CheckKey(bucket, key); err != nil {
		return blob.Upload{}, err
	}
	if u.Type == "" {
		u.Type = u.Algorithm.DefaultType()
	}
	if !u.Algorithm.Allows(u.Type) {
		return blob.Upload{}, blob.Errorf(blob.InvalidRequest, bucket, key,
			"The %s checksum type cannot be used with the %s checksum algorithm.", u.Type, u.Algorithm)
	}
	raw, err := json.Marshal(u.UploadOptions)
	if err != nil {
		return blob.Upload{}, err
	}
	err = s.db.Update(ctx, func(tx *sqlite.Tx) error {
		b, err := findBucket(tx, bucket)
		if err != nil {
			return err
		}
		seq := s.seq.Add(1)
		u.UploadID = blob.UploadID{Bucket: bucket, Key: key, ID: makeID(seq)}
		return tx.Exec(`INSERT INTO upload (seq, id, bucket, key, created, detail) VALUES (?, ?, ?, ?, ?, ?)`,
			seq, u.ID, b.id, []byte(key), u.Created.UnixMilli(), raw)
	})
	return u, err
}

// Upload implements [blob.Multiparts].
func (s *Store) Upload(ctx context.Context, id blob.UploadID) (blob.Upload, error) {
	var u uploadRow
	err := s.db.View(ctx, func(tx *sqlite.Tx) (err error) {
		u, err = findUpload(tx, id)
		return err
	})
	return u.Upload, err
}

// UploadPart implements [blob.Multiparts].
func (s *Store) UploadPart(ctx context.Context, id blob.UploadID, number int, body io.Reader, o *blob.PutOptions) (blob.Part, error) {
	if number < 1 || number > blob.MaxParts {
		return blob.Part{}, blob.Errorf(blob.InvalidArgument, id.Bucket, id.Key, "Part number must be an integer between 1 and %d, inclusive", blob.MaxParts)
	}
	var options blob.PutOptions
	if o != nil {
		options = *o
	}
	u, err := s.Upload(ctx, id)
	if err != nil {
		return blob.Part{}, err
	}
	switch {
	case options.Algorithm == "":
		options.Algorithm = u.Algorithm
	case u.Algorithm != "" && u.Algorithm != options.Algorithm:
		return blob.Part{}, blob.Errorf(blob.InvalidRequest, id.Bucket, id.Key,
			"Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s", u.Algorithm, options.Algorithm)
	}
	content, err := s.receive(id.Bucket, id.Key, body, &options)
	if err != nil {
		return blob.Part{}, err
	}
	part := blob.Part{Number: number, Size: content.size, ETag: content.etag(), Modified: s.stamp(), Checksum: content.checksum}
	replaced := false
	err = s.db.Update(ctx, func(tx *sqlite.Tx) error {
		u, err := findUpload(tx, id)
		if err != nil {
			return err
		}
		if err := tx.Exec(`INSERT INTO trash (file) SELECT file FROM part WHERE upload = ? AND n = ?`, u.seq, number); err != nil {
			return err
		}
		replaced = tx.Changes() > 0
		sum := ""
		if part.Checksum.Algorithm == u.Algorithm {
			sum = part.Checksum.Value
		}
		return tx.Exec(`INSERT OR REPLACE INTO part (upload, n, size, etag, modified, checksum, file) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			u.seq, number, part.Size, hex.EncodeToString(content.md5), part.Modified.UnixMilli(), sum, content.file)
	})
	if err := s.adopted(content.file, err); err != nil {
		return blob.Part{}, err
	}
	if replaced {
		s.wakeCleaner()
	}
	return part, nil
}

// UploadPartCopy implements [blob.Multiparts].
func (s *Store) UploadPartCopy(ctx context.Context, id blob.UploadID, number int, from blob.Source) (blob.Part, error) {
	source, err := s.Get(ctx, from.Bucket, from.Key, &blob.GetOptions{VersionID: from.VersionID, Range: from.Range})
	if err != nil {
		return blob.Part{}, err
	}
	defer source.Body.Close()
	if err := from.If.ForCopy(&source.Info); err != nil {
		return blob.Part{}, err
	}
	if r := from.Range; r != nil && r.Offset+r.Length > source.Size {
		return blob.Part{}, blob.Errorf(blob.InvalidRange, from.Bucket, from.Key,
			"Range specified is not valid for source object of size: %d", source.Size)
	}
	return s.UploadPart(ctx, id, number, source.Body, &blob.PutOptions{Length: &source.Length})
}

// AbortUpload implements [blob.Multiparts].
func (s *Store) AbortUpload(ctx context.Context, id blob.UploadID) error {
	err := s.db.Update(ctx, func(tx *sqlite.Tx) error {
		u, err := findUpload(tx, id)
		if err != nil {
			return err
		}
		return dropUpload(tx, u.seq)
	})
	if err == nil {
		s.wakeCleaner()
	}
	return err
}

// partRow is a part with its file.
type partRow struct {
	blob.Part
	file string
}

func parts(tx *sqlite.Tx, u uploadRow, after, limit int) ([]partRow, error) {
	var all []partRow
	rows := tx.Query(`SELECT n, size, etag, modified, checksum, file FROM part WHERE upload = ? AND n > ? ORDER BY n LIMIT ?`, u.seq, after, limit)
	for rows.Next() {
		p := partRow{blob.Part{
			Number: int(rows.Int64(0)), Size: rows.Int64(1), ETag: `"` + rows.Text(2) + `"`, Modified: fromMillis(rows.Int64(3)),
		}, rows.Text(5)}
		if sum := rows.Text(4); sum != "" {
			p.Checksum = blob.Checksum{Algorithm: u.Algorithm, Type: blob.FullObject, Value: sum}
		}
		all = append(all, p)
	}
	return all, rows.Err()
}

// ListParts implements [blob.Multiparts].
func (s *Store) ListParts(ctx context.Context, id blob.UploadID, after, limit int) ([]blob.Part, bool, error) {
	limit = pageSize(limit)
	var found []partRow
	err := s.db.View(ctx, func(tx *sqlite.Tx) error {
		u, err := findUpload(tx, id)
		if err != nil {
			return err
		}
		found, err = parts(tx, u, after, limit+1)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	more := len(found) > limit
	if more {
		found = found[:limit]
	}
	result := make([]blob.Part, len(found))
	for i, p := range found {
		result[i] = p.Part
	}
	return result, more, nil
}

// ListUploads implements [blob.Multiparts].
func (s *Store) ListUploads(ctx context.Context, bucket string, o *blob.UploadsOptions) (blob.UploadsPage, error) {
	if o == nil {
		o = &blob.UploadsOptions{}
	}
	var page blob.UploadsPage
	err := s.db.View(ctx, func(tx *sqlite.Tx) error {
		b, err := findBucket(tx, bucket)
		if err != nil {
			return err
		}
		page, err = listUploads(tx, b, o)
		return err
	})
	return page, err
}

func listUploads(tx *sqlite.Tx, b bucketRow, o *blob.UploadsOptions) (page blob.UploadsPage, err error) {
	left := pageSize(o.Max)
	from, end := start(o.Prefix, o.Delimiter, o.KeyMarker), beyond(o.Prefix)
	var above int64
	if o.IDMarker != "" {
		if n, ok := idNumber(o.IDMarker); ok && string(from) == o.KeyMarker+"\x00" {
			from, above = []byte(o.KeyMarker), n
		}
	}
	var lastKey, lastID string
	for {
		rows := tx.Query(selectUpload+`WHERE bucket = ?1 AND key >= ?2 AND key < ?3 AND (key > ?2 OR seq > ?4) ORDER BY key, seq LIMIT ?5`,
			b.id, nonNil(from), end, above, left+1)
		skip := ""
		for skip == "" && rows.Next() {
			if left == 0 {
				rows.Close()
				page.NextKey, page.NextID = lastKey, lastID
				return page, nil
			}
			left--
			u, err := scanUpload(rows, b)
			if err != nil {
				return page, err
			}
			if skip = commonPrefix(u.Key, o.Prefix, o.Delimiter); skip != "" {
				page.Prefixes = append(page.Prefixes, skip)
				lastKey, lastID = skip, ""
				continue
			}
			page.Uploads = append(page.Uploads, u.Upload)
			lastKey, lastID = u.Key, u.ID
		}
		rows.Close()
		if err := rows.Err(); err != nil || skip == "" {
			return page, err
		}
		from, above = beyond(skip), 0
	}
}
