package s3

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"penstock/internal/blob"
)

// maxXML is the longest XML body in bytes: 10,000 parts, or 1,000 keys with
// every byte escaped.
const maxXML = 8 << 20

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// readXML reads, verifies and decodes a body.
func readXML(q *request, into any) error {
	text, err := readBody(q)
	if err != nil {
		return err
	}
	if err := xml.Unmarshal(text, into); err != nil {
		return errMalformedXML()
	}
	return nil
}

func readBody(q *request) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(q.Body, maxXML+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, refuse("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
	case err != nil:
		return nil, err
	case len(text) > maxXML:
		return nil, refuse("MaxMessageLengthExceeded", "Your request was too big.")
	}
	sum, err := contentMD5(q.Header)
	if err != nil {
		return nil, err
	}
	if have := md5.Sum(text); sum != nil && !bytes.Equal(sum, have[:]) {
		return nil, refuse("BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	claim, err := readClaim(q)
	if err != nil || claim.algorithm == "" {
		return text, err
	}
	hash := claim.algorithm.New()
	hash.Write(text)
	return text, claim.check(blob.Checksum{
		Algorithm: claim.algorithm, Value: base64.StdEncoding.EncodeToString(hash.Sum(nil)),
	})
}

// writeXML answers 200 with an XML document.
func writeXML(q *request, document any) error {
	text, err := xml.Marshal(document)
	if err != nil {
		return err
	}
	header := q.w.Header()
	header.Set("Content-Type", "application/xml")
	header.Set("Content-Length", strconv.Itoa(len(xml.Header)+len(text)))
	q.w.WriteHeader(http.StatusOK)
	io.WriteString(q.w, xml.Header)
	q.w.Write(text)
	return nil
}

// stampXML is how times look in XML.
func stampXML(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// owner appears in listings: there is one kind of owner, the account.
type owner struct {
	ID          string
	DisplayName string
}
