package fileblob

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"penstock/internal/blob"
	"penstock/internal/sqlite"
)

// nullVersion is the id of what was written while versioning was suspended.
const nullVersion = "null"

// piece is a file with a stretch of an object's content.
type piece struct {
	file string
	size int64
}

// detail is what of an object no statement looks at.
type detail struct {
	blob.Attributes
	Checksum  blob.Checksum `json:",omitzero"`
	Multipart bool          `json:",omitempty"`
}

// versionRow is a row of table version.
type versionRow struct {
	seq    int64
	info   blob.Info
	detail []byte
}

const selectVersion = `SELECT seq, id, latest, marker, size, etag, modified, detail, key FROM version `

func scanVersion(r *sqlite.Rows, bucket string) versionRow {
	v := versionRow{seq: r.Int64(0), detail: r.Blob(7)}
	v.info = blob.Info{
		Bucket: bucket, Key: string(r.RawBytes(8)),
		VersionID: r.Text(1), Latest: r.Bool(2), Marker: r.Bool(3),
		Size: r.Int64(4), Modified: fromMillis(r.Int64(6)),
	}
	if !v.info.Marker {
		v.info.ETag = `"` + r.Text(5) + `"`
	}
	return v
}

// unpack fills in what is in the detail column.
func (v *versionRow) unpack() (multipart bool, err error) {
	if v.info.Marker {
		return false, nil
	}
	var d detail
	if err := json.Unmarshal(v.detail, &d); err != nil {
		return false, fmt.Errorf("fileblob: detail of version %d: %w", v.seq, err)
	}
	v.info.Attributes, v.info.Checksum = d.Attributes, d.Checksum
	return d.Multipart, nil
}

var idEncoding = base32.HexEncoding.WithPadding(base32.NoPadding)

// idDigits is how many characters of an id hold its number.
const idDigits = 13

// makeID returns an id of 32 characters that begins with the number, so that
// a row is found by it without an index of ids.
func makeID(seq int64) string {
	return idEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(seq))) + rand.Text()[:32-idDigits]
}

func idNumber(id string) (int64, bool) {
	if len(id) != 32 {
		return 0, false
	}
	raw, err := idEncoding.DecodeString(id[:idDigits])
	if err != nil {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(raw)), true
}

// newest finds the newest version of a key, markers included.
func newest(tx *sqlite.Tx, b bucketRow, key string) (v versionRow, found bool, err error) {
	r, ok := tx.QueryRow(selectVersion+`WHERE bucket = ? AND key = ? ORDER BY seq DESC LIMIT 1`, b.id, []byte(key))
	if !ok {
		return versionRow{}, false, r.Err()
	}
	return scanVersion(r, b.Name), true, nil
}

// current is newest as conditional writes see it: nil if absent or a marker.
func current(tx *sqlite.Tx, b bucketRow, key string) (*blob.Info, error) {
	v, found, err := newest(tx, b, key)
	if err != nil || !found || v.info.Marker {
		return nil, err
	}
	return &v.info, nil
}

// byID finds one version.
func byID(tx *sqlite.Tx, b bucketRow, key, id string) (v versionRow, found bool, err error) {
	var r *sqlite.Rows
	var ok bool
	if id == nullVersion {
		r, ok = tx.QueryRow(selectVersion+`WHERE bucket = ? AND key = ? AND id = 'null'`, b.id, []byte(key))
	} else {
		seq, valid := idNumber(id)
		if !valid {
			return versionRow{}, false, nil
		}
		r, ok = tx.QueryRow(selectVersion+`WHERE seq = ? AND bucket = ? AND key = ? AND id = ?`, seq, b.id, []byte(key), id)
	}
	if !ok {
		return versionRow{}, false, r.Err()
	}
	return scanVersion(r, b.Name), true, nil
}

// find answers the S3 errors of a read: NoSuchKey, NoSuchVersion, and both
// forms of a delete marker.
func find(tx *sqlite.Tx, b bucketRow, key, id string) (versionRow, error) {
	if id == "" {
		v, found, err := newest(tx, b, key)
		if err != nil || found && !v.info.Marker {
			return v, err
		}
		e := blob.Errorf(blob.NoSuchKey, b.Name, key, "The specified key does not exist.")
		e.Marker, e.VersionID = found, v.info.VersionID
		return v, e
	}
	v, found, err := byID(tx, b, key, id)
	switch {
	case err != nil:
		return v, err
	case !found:
		return v, blob.Errorf(blob.NoSuchVersion, b.Name, key, "The specified version does not exist.")
	case v.info.Marker:
		e := blob.Errorf(blob.MethodNotAllowed, b.Name, key, "The specified method is not allowed against this resource.")
		e.Marker, e.VersionID = true, v.info.VersionID
		return v, e
	}
	return v, nil
}

func pieces(tx *sqlite.Tx, version int64) ([]piece, error) {
	var all []piece
	rows := tx.Query(`SELECT file, size FROM piece WHERE version = ? ORDER BY n`, version)
	for rows.Next() {
		all = append(all, piece{rows.Text(0), rows.Int64(1)})
	}
	return all, rows.Err()
}

// insert makes a version the newest of its key. In a bucket whose versioning
// is suspended it takes the place of the null version. It sets VersionID and
// Latest of info.
func (s *Store) insert(tx *sqlite.Tx, b bucketRow, info *blob.Info, multipart bool, content []piece) error {
	seq := s.seq.Add(1)
	info.Latest, info.VersionID = true, makeID(seq)
	key := []byte(info.Key)
	if b.Versioning == blob.Suspended {
		info.VersionID = nullVersion
		old, found, err := byID(tx, b, info.Key, nullVersion)
		if err != nil {
			return err
		}
		if found {
			if err := dropVersion(tx, old.seq); err != nil {
				return err
			}
		}
	}
	if err := tx.Exec(`UPDATE version SET latest = 0 WHERE seq = (SELECT seq FROM version WHERE bucket = ? AND key = ? ORDER BY seq DESC LIMIT 1)`, b.id, key); err != nil {
		return err
	}
	more := []byte("{}")
	if !info.Marker {
		var err error
		if more, err = json.Marshal(detail{info.Attributes, info.Checksum, multipart}); err != nil {
			return err
		}
	}
	etag := info.ETag
	if len(etag) >= 2 {
		etag = etag[1 : len(etag)-1]
	}
	err := tx.Exec(`INSERT INTO version (seq, bucket, key, id, latest, marker, size, etag, modified, detail) VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?)`,
		seq, b.id, key, info.VersionID, info.Marker, info.Size, etag, info.Modified.UnixMilli(), more)
	if err != nil {
		return err
	}
	for n, p := range content {
		if err := tx.Exec(`INSERT INTO piece (version, n, file, size) VALUES (?, ?, ?, ?)`, seq, n, p.file, p.size); err != nil {
			return err
		}
	}
	return nil
}

// dropVersion removes a row and leaves its files to the cleaner.
func dropVersion(tx *sqlite.Tx, seq int64) error {
	for _, sql := range []string{
		`INSERT INTO trash (file) SELECT file FROM piece WHERE version = ? ORDER BY n`,
		`DELETE FROM piece WHERE version = ?`,
		`DELETE FROM version WHERE seq = ?`,
	} {
		if err := tx.Exec(sql, seq); err != nil {
			return err
		}
	}
	return nil
}
