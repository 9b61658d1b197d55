package app

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"penstock/internal/actionlog"
	"penstock/internal/backup"
	"penstock/internal/blob"
	"penstock/internal/blob/fileblob"
	"penstock/internal/blob/s3blob"
	"penstock/internal/config"
	"penstock/internal/store"
	"penstock/internal/transfer"
)

// objectIndex is the last file of the folder of objects: a JSON line for each of
// the others.
const objectIndex = objectFolder + "/index.jsonl"

// savedObject is a line of the index of objects.
type savedObject struct {
	File    string `json:"file,omitempty"`
	Account string `json:"account,omitempty"` // whose pipeline it belongs to; "" = a log
	Region  string `json:"region,omitempty"`
	Bucket  string `json:"bucket,omitempty"` // "" = that of logs
	Key     string `json:"key"`
	Size    int64  `json:"size"`
	SHA256  string `json:"sha256,omitempty"`
	// Attributes are those that readers see. Encryption is the target's business.
	Attributes blob.Attributes `json:"attributes,omitzero"`
}

// objectNames are the artifacts that a state names, in a file without a name.
type objectNames struct {
	file *os.File
	text *bufio.Writer
	out  *json.Encoder
}

func newObjectNames() (*objectNames, error) {
	f, err := os.CreateTemp("", "penstock-objects-")
	if err != nil {
		return nil, err
	}
	n := &objectNames{file: f, text: bufio.NewWriter(f)}
	n.out = json.NewEncoder(n.text)
	return n, os.Remove(f.Name())
}

func (n *objectNames) close() { n.file.Close() }

// exportAnd exports the state, and notes the artifacts that it names.
func exportAnd(ctx context.Context, cfg config.Config, out io.Writer, named *objectNames) error {
	if named == nil {
		_, err := Export(ctx, cfg, out, nil)
		return err
	}
	r, w := io.Pipe()
	read := make(chan error, 1)
	go func() {
		err := named.from(r)
		r.CloseWithError(err) // an Export that nobody reads ends
		read <- err
	}()
	_, err := Export(ctx, cfg, io.MultiWriter(out, w), nil)
	w.CloseWithError(err)
	return errors.Join(err, <-read)
}

// from reads the outputs of all actions from a state.
func (n *objectNames) from(in io.Reader) error {
	r, err := transfer.NewReader(in, store.StateKind, store.TransferTables)
	if err != nil {
		return err
	}
	type place struct{ account, region string }
	places := map[int64]place{}
	for {
		t, err := r.Next()
		if err != nil {
			return err
		}
		if t == nil {
			_, err := io.Copy(io.Discard, in) // the end of the gzip stream
			return errors.Join(err, n.text.Flush())
		}
		at := map[string]int{}
		for i, name := range t.Names() {
			at[name] = i
		}
		for {
			row, err := r.Row()
			if err != nil {
				return err
			}
			if row == nil {
				break
			}
			switch t.Name {
			case "pipeline":
				places[row[at["id"]].(int64)] = place{row[at["account"]].(string), row[at["region"]].(string)}
			case "action_execution":
				a, err := store.DecodeAction(row[at["doc"]].([]byte))
				if err != nil {
					return err
				}
				p := places[row[at["pipeline_id"]].(int64)]
				for _, o := range a.Outputs { // no two actions have a key in common
					if o.Key == "" {
						continue
					}
					if err := n.out.Encode(savedObject{Account: p.account, Region: p.region, Bucket: o.Bucket, Key: o.Key}); err != nil {
						return err
					}
				}
			}
		}
	}
}

// copyObjects adds the artifacts that were noted and all logs, as they are on
// the external S3 now. It returns how many of the artifacts are not there.
func copyObjects(ctx context.Context, cfg config.Config, named *objectNames, to *backup.Writer) (missing int64, err error) {
	from, err := s3blob.Open(ctx, s3Options(cfg))
	if err != nil {
		return 0, err
	}
	index, err := newObjectNames()
	if err != nil {
		return 0, err
	}
	defer index.close()
	n := 0
	add := func(bucket string, o savedObject) error {
		object, err := from.Get(ctx, bucket, o.Key, nil)
		if blob.IsNotFound(err) {
			if o.Bucket != "" {
				missing++
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s/%s on the external S3: %w", bucket, o.Key, err)
		}
		defer object.Body.Close()
		n++
		sum := sha256.New()
		o.File, o.Size, o.Attributes = fmt.Sprintf("%s/%09d", objectFolder, n), object.Length, object.Attributes
		o.Attributes.Encryption = blob.Encryption{}
		if err := to.Add(o.File, o.Size, io.TeeReader(object.Body, sum)); err != nil {
			return err
		}
		o.SHA256 = hex.EncodeToString(sum.Sum(nil))
		return index.out.Encode(o)
	}
	if _, err := named.file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	for lines := json.NewDecoder(named.file); ; {
		var o savedObject
		if err := lines.Decode(&o); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return 0, err
		}
		if err := add(o.Bucket, o); err != nil {
			return 0, err
		}
	}
	for list := (&blob.ListOptions{}); ; {
		page, err := from.List(ctx, logBucket(cfg), list)
		if blob.IsNotFound(err) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("bucket %s on the external S3: %w", logBucket(cfg), err)
		}
		for _, o := range page.Objects {
			if actionlog.IsKey(o.Key) {
				if err := add(logBucket(cfg), savedObject{Key: o.Key}); err != nil {
					return 0, err
				}
			}
		}
		if list.After = page.Next; list.After == "" {
			break
		}
	}
	if err := index.text.Flush(); err != nil {
		return 0, err
	}
	return missing, to.Fill(objectIndex, func(w io.Writer) error {
		if _, err := index.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		_, err := io.Copy(w, index.file)
		return err
	})
}

// restoreObjects puts the objects that lie in the data folder into the S3 of the
// configuration, or into the embedded store, reads each back, and removes the
// folder. One that is there already is left as it is.
func restoreObjects(ctx context.Context, cfg config.Config) (err error) {
	root, err := os.OpenRoot(cfg.Data)
	if err != nil {
		return err
	}
	defer root.Close()
	index, err := root.Open(objectIndex)
	if err != nil {
		return fmt.Errorf("%w: %w", backup.ErrDamaged, err)
	}
	defer index.Close()
	var to blob.Store
	if cfg.S3Endpoint != "" {
		to, err = s3blob.Open(ctx, s3Options(cfg))
	} else {
		var embedded *fileblob.Store
		if embedded, err = fileblob.Open(filepath.Join(cfg.Data, artifactFolder), nil); err == nil {
			defer func() { err = errors.Join(err, embedded.Close()) }()
		}
		to = embedded
	}
	if err != nil {
		return err
	}
	made := map[string]bool{}
	for lines := json.NewDecoder(index); ; {
		var o savedObject
		if err := lines.Decode(&o); errors.Is(err, io.EOF) {
			return os.RemoveAll(filepath.Join(cfg.Data, objectFolder))
		} else if err != nil {
			return fmt.Errorf("%w: %s: %w", backup.ErrDamaged, objectIndex, err)
		}
		owner := o.Account
		if o.Bucket == "" {
			o.Bucket, owner = logBucket(cfg), actionlog.Owner
		}
		if !made[o.Bucket] {
			if err := to.EnsureBucket(ctx, o.Bucket, &blob.BucketOptions{Owner: owner, Region: o.Region}); err != nil {
				return err
			}
			made[o.Bucket] = true
		}
		if err := restoreObject(ctx, root, to, o); err != nil {
			return fmt.Errorf("%s/%s: %w", o.Bucket, o.Key, err)
		}
	}
}

func restoreObject(ctx context.Context, root *os.Root, to blob.Store, o savedObject) error {
	if same, err := holds(ctx, to, o); same || err != nil {
		return err
	}
	f, err := root.Open(o.File)
	if err != nil {
		return fmt.Errorf("%w: %w", backup.ErrDamaged, err)
	}
	defer f.Close()
	if _, err := to.Put(ctx, o.Bucket, o.Key, f, &blob.PutOptions{Attributes: o.Attributes, Length: &o.Size}); err != nil {
		return err
	}
	// ETags say nothing where parts or encryption are involved.
	if same, err := holds(ctx, to, o); !same {
		return errors.Join(errors.New("it does not read back as it was written"), err)
	}
	return nil
}

// holds reports whether the store has an object with this content.
func holds(ctx context.Context, in blob.Store, o savedObject) (bool, error) {
	object, err := in.Get(ctx, o.Bucket, o.Key, nil)
	if blob.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer object.Body.Close()
	if object.Size != o.Size {
		return false, nil
	}
	sum := sha256.New()
	_, err = io.Copy(sum, object.Body)
	return hex.EncodeToString(sum.Sum(nil)) == o.SHA256, err
}
