package s3

import (
	"encoding/base64"
	"encoding/xml"
	"net/url"
	"strconv"
	"strings"

	"penstock/internal/blob"
)

// maxKeys is the most entries of one listing.
const maxKeys = 1000

type commonPrefix struct{ Prefix string }

type objectXML struct {
	Key          string
	LastModified string
	ETag         string
	Size         int64
	StorageClass string
	Owner        *owner `xml:",omitempty"`
}

type listBucketResult struct {
	XMLName        xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name           string
	Prefix         string
	Delimiter      string `xml:",omitempty"`
	MaxKeys        int
	EncodingType   string `xml:",omitempty"`
	IsTruncated    bool
	Contents       []objectXML
	CommonPrefixes []commonPrefix
}

type listV1 struct {
	listBucketResult
	Marker     string
	NextMarker string `xml:",omitempty"`
}

type listV2 struct {
	listBucketResult
	KeyCount              int
	StartAfter            string `xml:",omitempty"`
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
}

// listing holds the parameters that all listings share.
type listing struct {
	prefix, delimiter string
	max               int // 0 asks for nothing
	encode            bool
}

func readListing(q *request, maxParameter string) (l listing, err error) {
	l.prefix, l.delimiter, l.max = q.query.Get("prefix"), q.query.Get("delimiter"), maxKeys
	if v := q.query.Get(maxParameter); v != "" {
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil || n < 0 {
			return l, refuse("InvalidArgument", "Provided %s not an integer or within integer range", maxParameter)
		}
		l.max = min(maxKeys, int(n))
	}
	switch q.query.Get("encoding-type") {
	case "":
	case "url":
		l.encode = true
	default:
		return l, refuse("InvalidArgument", "Invalid Encoding Method specified in Request")
	}
	return l, nil
}

// text is a key or prefix as the answer shows it.
func (l *listing) text(s string) string {
	if !l.encode {
		return s
	}
	// Spaces as %20: clients that take "+" for a space read it too.
	s = strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	return strings.ReplaceAll(s, "%2F", "/")
}

func (l *listing) encoding() string {
	if l.encode {
		return "url"
	}
	return ""
}

func (l *listing) prefixes(all []string) []commonPrefix {
	var out []commonPrefix
	for _, p := range all {
		out = append(out, commonPrefix{l.text(p)})
	}
	return out
}

// list answers the part that both versions share, and where the next page
// starts.
func (h *Handler) list(q *request, after string, who *owner) (listing, listBucketResult, string, error) {
	l, err := readListing(q, "max-keys")
	if err != nil {
		return l, listBucketResult{}, "", err
	}
	result := listBucketResult{
		Name: q.bucket, Prefix: l.text(l.prefix), Delimiter: l.text(l.delimiter),
		MaxKeys: l.max, EncodingType: l.encoding(),
	}
	if l.max == 0 {
		return l, result, "", nil
	}
	page, err := h.store.List(q.Context(), q.bucket, &blob.ListOptions{
		Prefix: l.prefix, Delimiter: l.delimiter, After: after, Max: l.max,
	})
	if err != nil {
		return l, result, "", err
	}
	for _, o := range page.Objects {
		result.Contents = append(result.Contents, objectXML{
			Key: l.text(o.Key), LastModified: stampXML(o.Modified), ETag: o.ETag,
			Size: o.Size, StorageClass: "STANDARD", Owner: who,
		})
	}
	result.CommonPrefixes = l.prefixes(page.Prefixes)
	result.IsTruncated = page.Next != ""
	return l, result, page.Next, nil
}

// listObjects serves ListObjects.
func (h *Handler) listObjects(q *request) error {
	marker := q.query.Get("marker")
	l, result, next, err := h.list(q, marker, &owner{q.caller.Account, q.caller.Account})
	if err != nil {
		return err
	}
	answer := listV1{listBucketResult: result, Marker: l.text(marker)}
	if l.delimiter != "" {
		answer.NextMarker = l.text(next)
	}
	return writeXML(q, answer)
}

// listObjectsV2 serves ListObjectsV2.
func (h *Handler) listObjectsV2(q *request) error {
	if q.query.Get("list-type") != "2" {
		return refuse("InvalidArgument", "Invalid List Type specified in Request")
	}
	after, token := q.query.Get("start-after"), q.query.Get("continuation-token")
	from := after
	if q.query.Has("continuation-token") {
		raw, err := base64.URLEncoding.DecodeString(token)
		if err != nil || len(raw) == 0 {
			return refuse("InvalidArgument", "The continuation token provided is incorrect")
		}
		from = string(raw)
	}
	var who *owner
	if q.query.Get("fetch-owner") == "true" {
		who = &owner{q.caller.Account, q.caller.Account}
	}
	l, result, next, err := h.list(q, from, who)
	if err != nil {
		return err
	}
	answer := listV2{
		listBucketResult: result, StartAfter: l.text(after), ContinuationToken: token,
		KeyCount: len(result.Contents) + len(result.CommonPrefixes),
	}
	if next != "" {
		answer.NextContinuationToken = base64.URLEncoding.EncodeToString([]byte(next))
	}
	return writeXML(q, answer)
}

type listVersionsResult struct {
	XMLName             xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
	Name                string
	Prefix              string
	KeyMarker           string
	VersionIDMarker     string `xml:"VersionIdMarker"`
	NextKeyMarker       string `xml:",omitempty"`
	NextVersionIDMarker string `xml:"NextVersionIdMarker,omitempty"`
	MaxKeys             int
	Delimiter           string `xml:",omitempty"`
	EncodingType        string `xml:",omitempty"`
	IsTruncated         bool
	Entries             []any // versionXML and markerXML, newest first
	CommonPrefixes      []commonPrefix
}

type versionXML struct {
	XMLName      xml.Name `xml:"Version"`
	Key          string
	VersionID    string `xml:"VersionId"`
	IsLatest     bool
	LastModified string
	ETag         string
	Size         int64
	StorageClass string
	Owner        owner
}

type markerXML struct {
	XMLName      xml.Name `xml:"DeleteMarker"`
	Key          string
	VersionID    string `xml:"VersionId"`
	IsLatest     bool
	LastModified string
	Owner        owner
}

// listObjectVersions serves ListObjectVersions.
func (h *Handler) listObjectVersions(q *request) error {
	l, err := readListing(q, "max-keys")
	if err != nil {
		return err
	}
	keyMarker, versionMarker := q.query.Get("key-marker"), q.query.Get("version-id-marker")
	if versionMarker != "" && keyMarker == "" {
		return refuse("InvalidArgument", "A version-id marker cannot be specified without a key marker.")
	}
	answer := listVersionsResult{
		Name: q.bucket, Prefix: l.text(l.prefix), Delimiter: l.text(l.delimiter), MaxKeys: l.max,
		EncodingType: l.encoding(), KeyMarker: l.text(keyMarker), VersionIDMarker: versionMarker,
	}
	if l.max == 0 {
		return writeXML(q, answer)
	}
	page, err := h.store.ListVersions(q.Context(), q.bucket, &blob.VersionsOptions{
		Prefix: l.prefix, Delimiter: l.delimiter, KeyMarker: keyMarker, VersionMarker: versionMarker, Max: l.max,
	})
	if err != nil {
		return err
	}
	who := owner{q.caller.Account, q.caller.Account}
	for _, v := range page.Versions {
		if v.Marker {
			answer.Entries = append(answer.Entries, markerXML{
				Key: l.text(v.Key), VersionID: v.VersionID, IsLatest: v.Latest, LastModified: stampXML(v.Modified), Owner: who,
			})
			continue
		}
		answer.Entries = append(answer.Entries, versionXML{
			Key: l.text(v.Key), VersionID: v.VersionID, IsLatest: v.Latest, LastModified: stampXML(v.Modified),
			ETag: v.ETag, Size: v.Size, StorageClass: "STANDARD", Owner: who,
		})
	}
	answer.CommonPrefixes = l.prefixes(page.Prefixes)
	answer.IsTruncated = page.NextKey != ""
	answer.NextKeyMarker, answer.NextVersionIDMarker = l.text(page.NextKey), page.NextVersion
	return writeXML(q, answer)
}
