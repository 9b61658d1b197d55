package fileblob

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"

	"penstock/internal/blob"
	"penstock/internal/sqlite"
)

// CompleteUpload implements [blob.Multiparts]. No byte is copied: the files
// of the parts become the pieces of the object.
func (s *Store) CompleteUpload(ctx context.Context, id blob.UploadID, listed []blob.CompletedPart, o *blob.CompleteOptions) (blob.Info, error) {
	if o == nil {
		o = &blob.CompleteOptions{}
	}
	var info blob.Info
	var b bucketRow
	err := s.db.Update(ctx, func(tx *sqlite.Tx) error {
		u, err := findUpload(tx, id)
		if err != nil {
			return err
		}
		if b, err = s.writable(tx, id.Bucket, id.Key, o.If); err != nil {
			return err
		}
		stored, err := parts(tx, u, 0, blob.MaxParts)
		if err != nil {
			return err
		}
		chosen, err := choose(u, stored, listed)
		if err != nil {
			return err
		}
		if info, err = assemble(u, chosen, o); err != nil {
			return err
		}
		info.Modified = s.stamp()
		content := make([]piece, len(chosen))
		for i, p := range chosen {
			content[i] = piece{p.file, p.Size}
			// What stays in the table is dropped with the upload.
			if err := tx.Exec(`DELETE FROM part WHERE upload = ? AND n = ?`, u.seq, p.Number); err != nil {
				return err
			}
		}
		if err := dropUpload(tx, u.seq); err != nil {
			return err
		}
		return s.insert(tx, b, &info, true, content)
	})
	if err != nil {
		return blob.Info{}, err
	}
	s.wakeCleaner()
	s.announce(b, &info, "CompleteMultipartUpload")
	return info, nil
}

// choose matches the caller's list with the stored parts.
func choose(u uploadRow, stored []partRow, listed []blob.CompletedPart) ([]partRow, error) {
	refuse := func(code blob.Code, text string) error { return blob.Errorf(code, u.Bucket, u.Key, "%s", text) }
	if len(listed) == 0 {
		return nil, refuse(blob.InvalidRequest, "You must specify at least one part")
	}
	byNumber := make(map[int]partRow, len(stored))
	for _, p := range stored {
		byNumber[p.Number] = p
	}
	chosen := make([]partRow, 0, len(listed))
	for i, want := range listed {
		if i > 0 && want.Number <= listed[i-1].Number {
			return nil, refuse(blob.InvalidPartOrder, "The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
		have, ok := byNumber[want.Number]
		if !ok || strings.Trim(want.ETag, `"`) != strings.Trim(have.ETag, `"`) ||
			want.Checksum != "" && have.Checksum.Value != "" && want.Checksum != have.Checksum.Value {
			return nil, refuse(blob.InvalidPart, "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		}
		if i < len(listed)-1 && have.Size < blob.MinPartSize {
			return nil, refuse(blob.EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size")
		}
		chosen = append(chosen, have)
	}
	return chosen, nil
}

// assemble describes the object made of the parts.
func assemble(u uploadRow, chosen []partRow, o *blob.CompleteOptions) (blob.Info, error) {
	info := blob.Info{Bucket: u.Bucket, Key: u.Key, Attributes: u.Attributes}
	sum := md5.New()
	plain := make([]blob.Part, len(chosen))
	for i, p := range chosen {
		raw, err := hex.DecodeString(strings.Trim(p.ETag, `"`))
		if err != nil {
			return info, fmt.Errorf("fileblob: ETag of part %d: %w", p.Number, err)
		}
		sum.Write(raw)
		plain[i] = p.Part
		info.Size += p.Size
		info.Parts = append(info.Parts, p.Size)
	}
	info.ETag = fmt.Sprintf(`"%x-%d"`, sum.Sum(nil), len(chosen))
	if u.Algorithm != "" {
		combined, ok := blob.Combine(u.Algorithm, u.Type, plain)
		if !ok {
			return info, blob.Errorf(blob.InvalidRequest, u.Bucket, u.Key, "A part was uploaded without the checksum that the upload asks for.")
		}
		info.Checksum = combined
	}
	if o.Checksum != "" && o.Checksum != info.Checksum.Value && o.Checksum != strings.SplitN(info.Checksum.Value, "-", 2)[0] {
		return info, blob.Errorf(blob.BadDigest, u.Bucket, u.Key, "The %s you specified did not match the calculated checksum.", u.Algorithm)
	}
	if o.Size != nil && *o.Size != info.Size {
		return info, blob.Errorf(blob.InvalidRequest, u.Bucket, u.Key, "The provided 'x-amz-mp-object-size' header does not match what was computed.")
	}
	return info, nil
}
