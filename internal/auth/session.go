package auth

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"penstock/internal/sigv4"
)

// SessionScope is who a session acts as and what it reaches.
type SessionScope struct {
	Account string
	ARN     string
	Job     *JobScope // nil: not bound to a job
}

// Credentials are temporary ones.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey Secret
	SessionToken    Secret
	Expiration      time.Time
}

// Session is what a session token says.
type Session struct {
	SessionScope
	SecretAccessKey Secret
	Expiration      time.Time
}

// Sessions makes and resolves temporary credentials without a database: the
// session token holds the claims, encrypted, and the secret is derived from it.
// Each token has a key of its own, derived from its access key id, so that a
// token does not open under another id and no key encrypts more than once.
type Sessions struct {
	tokenKey, secretKey *macKey
	now                 func() time.Time
}

// NewSessions returns the sessions of an installation.
func NewSessions(key MasterKey, now func() time.Time) *Sessions {
	return &Sessions{tokenKey: newMACKey(key.Subkey("session token v1")), secretKey: newMACKey(key.Subkey("session secret v1")), now: now}
}

var (
	idEncoding    = base32.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567").WithPadding(base32.NoPadding)
	tokenEncoding = base64.RawURLEncoding
)

// temporaryPrefix begins the access key ids of sessions.
const temporaryPrefix = "ASIA"

// mint holds what one Mint works on: the job's claims, sealed, as text.
type mint struct{ claims, sealed, token []byte }

var mints = sync.Pool{New: func() any {
	return &mint{make([]byte, 0, 512), make([]byte, 0, 768), make([]byte, 0, 1024)}
}}

// maxPooled is the longest token whose buffers are kept.
const maxPooled = 16 << 10

// Mint returns new credentials that work for ttl; whole seconds count.
func (s *Sessions) Mint(scope SessionScope, ttl time.Duration) Credentials {
	var random [10]byte
	rand.Read(random[:])
	id := append(make([]byte, 0, 20), temporaryPrefix...)
	id = idEncoding.AppendEncode(id, random[:])
	expires := s.now().Add(ttl).Truncate(time.Second)
	m := mints.Get().(*mint)
	m.claims = appendClaims(m.claims[:0], scope, expires)
	m.sealed = newAEAD(s.tokenKey.sum(id)).Seal(m.sealed[:0], nil, m.claims, nil)
	m.token = tokenEncoding.AppendEncode(m.token[:0], m.sealed)
	c := Credentials{
		AccessKeyID:     string(id),
		SecretAccessKey: s.secret(m.token),
		SessionToken:    Secret(m.token),
		Expiration:      expires,
	}
	if cap(m.token) <= maxPooled {
		mints.Put(m)
	}
	return c
}

func (s *Sessions) secret(token []byte) Secret {
	return Secret(base64.StdEncoding.AppendEncode(make([]byte, 0, 40), s.secretKey.sum(token)[:30]))
}

// Resolve returns what the token of an access key says. The error is
// sigv4.ErrBadToken or, with a complete session, sigv4.ErrTokenExpired.
func (s *Sessions) Resolve(accessKeyID, sessionToken string) (Session, error) {
	sealed, err := tokenEncoding.DecodeString(sessionToken)
	if err != nil || len(sealed) == 0 {
		return Session{}, sigv4.ErrBadToken
	}
	claims, err := newAEAD(s.tokenKey.sum([]byte(accessKeyID))).Open(nil, nil, sealed, nil)
	if err != nil {
		return Session{}, sigv4.ErrBadToken
	}
	session, err := parseClaims(claims)
	if err != nil {
		return Session{}, sigv4.ErrBadToken
	}
	session.SecretAccessKey = s.secret([]byte(sessionToken))
	if !s.now().Before(session.Expiration) {
		return session, sigv4.ErrTokenExpired
	}
	return session, nil
}

// claimsVersion begins the claims, whose fields follow in fixed order, each
// string behind its length.
const claimsVersion = 1

func appendClaims(dst []byte, scope SessionScope, expires time.Time) []byte {
	dst = append(dst, claimsVersion)
	dst = binary.AppendUvarint(dst, uint64(expires.Unix()))
	dst = appendText(dst, scope.Account)
	dst = appendText(dst, scope.ARN)
	if scope.Job == nil {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	dst = appendText(dst, scope.Job.JobID)
	for _, refs := range [...][]ObjectRef{scope.Job.Inputs, scope.Job.Outputs} {
		dst = binary.AppendUvarint(dst, uint64(len(refs)))
		for _, ref := range refs {
			dst = appendText(dst, ref.Bucket)
			dst = appendText(dst, ref.Key)
		}
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

var errClaims = errors.New("auth: claims of a session token are of another version")

func parseClaims(b []byte) (Session, error) {
	r := claimReader{b: b}
	if r.byte() != claimsVersion {
		return Session{}, errClaims
	}
	var s Session
	s.Expiration = time.Unix(int64(r.uvarint()), 0).UTC()
	s.Account, s.ARN = r.text(), r.text()
	switch r.byte() {
	case 0:
	case 1:
		s.Job = &JobScope{JobID: r.text()}
		s.Job.Inputs = r.refs()
		s.Job.Outputs = r.refs()
	default:
		r.failed = true
	}
	if r.failed || len(r.b) > 0 {
		return Session{}, errClaims
	}
	return s, nil
}

// claimReader takes claims apart; once failed it returns zeros.
type claimReader struct {
	b      []byte
	failed bool
}

func (r *claimReader) byte() byte {
	if len(r.b) == 0 {
		r.failed = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *claimReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.failed, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *claimReader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.failed, r.b = true, nil
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *claimReader) refs() []ObjectRef {
	var refs []ObjectRef
	for n := r.uvarint(); n > 0 && !r.failed; n-- {
		refs = append(refs, ObjectRef{Bucket: r.text(), Key: r.text()})
	}
	return refs
}
