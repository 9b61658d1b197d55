package auth

import (
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"penstock/internal/sigv4"
)

var (
	testNow   = time.Date(2026, 3, 4, 5, 6, 7, 800, time.UTC)
	testScope = SessionScope{Account: "000000000000", ARN: "arn:aws:sts::000000000000:assumed-role/penstock-job/j1", Job: &JobScope{
		JobID:   "j1",
		Inputs:  []ObjectRef{{"artifacts", "p/source/abc"}, {"other", "p/x"}},
		Outputs: []ObjectRef{{"artifacts", "p/build/../def"}},
	}}
)

func newTestSessions(t testing.TB, now time.Time) *Sessions {
	return NewSessions(testMasterKey(t, 1), func() time.Time { return now })
}

func TestSessionRoundTrip(t *testing.T) {
	t.Parallel()
	plain := SessionScope{Account: "000000000000", ARN: "arn:aws:iam::000000000000:root"}
	empty := testScope
	empty.Job = &JobScope{JobID: "j2"}
	for name, scope := range map[string]SessionScope{"job": testScope, "job without artifacts": empty, "no job": plain} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newTestSessions(t, testNow).Mint(scope, 15*time.Minute)
			if !regexp.MustCompile(`^ASIA[A-Z2-7]{16}$`).MatchString(c.AccessKeyID) || len(string(c.SecretAccessKey)) != 40 {
				t.Errorf("id %q, secret of %d characters", c.AccessKeyID, len(string(c.SecretAccessKey)))
			}
			// Another process of the same installation resolves it.
			got, err := newTestSessions(t, testNow).Resolve(c.AccessKeyID, string(c.SessionToken))
			want := Session{SessionScope: scope, SecretAccessKey: c.SecretAccessKey, Expiration: testNow.Add(15 * time.Minute).Truncate(time.Second)}
			if err != nil || !reflect.DeepEqual(got, want) || !got.Expiration.Equal(c.Expiration) {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		})
	}
}

func TestSessionsAreDistinct(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, testNow)
	a, b := s.Mint(testScope, time.Minute), s.Mint(testScope, time.Minute)
	if a.AccessKeyID == b.AccessKeyID || a.SecretAccessKey == b.SecretAccessKey || a.SessionToken == b.SessionToken {
		t.Error("two sessions share something")
	}
}

func TestSessionRefused(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, testNow)
	a, b := s.Mint(testScope, time.Minute), s.Mint(testScope, time.Minute)
	token := string(a.SessionToken)
	changed := "A" + token[1:]
	if changed == token {
		changed = "B" + token[1:]
	}
	other := NewSessions(testMasterKey(t, 2), func() time.Time { return testNow })
	tests := []struct {
		name      string
		sessions  *Sessions
		id, token string
		err       error
	}{
		{"no token", s, a.AccessKeyID, "", sigv4.ErrBadToken},
		{"token of another key", s, b.AccessKeyID, token, sigv4.ErrBadToken},
		{"changed token", s, a.AccessKeyID, changed, sigv4.ErrBadToken},
		{"cut token", s, a.AccessKeyID, token[:8], sigv4.ErrBadToken},
		{"no base64", s, a.AccessKeyID, "####", sigv4.ErrBadToken},
		{"other installation", other, a.AccessKeyID, token, sigv4.ErrBadToken},
		{"last moment", newTestSessions(t, a.Expiration.Add(-1)), a.AccessKeyID, token, nil},
		{"over", newTestSessions(t, a.Expiration), a.AccessKeyID, token, sigv4.ErrTokenExpired},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := test.sessions.Resolve(test.id, test.token)
			if !errors.Is(err, test.err) {
				t.Fatalf("got %v, want %v", err, test.err)
			}
			if known := err == nil || errors.Is(err, sigv4.ErrTokenExpired); known != (got.SecretAccessKey == a.SecretAccessKey) {
				t.Errorf("the secret comes with error %v", err)
			}
		})
	}
}

// TestClaimsDamaged cuts and lengthens claims everywhere: they come out of an
// authenticated envelope, but a version of tomorrow may have written them.
func TestClaimsDamaged(t *testing.T) {
	t.Parallel()
	claims := appendClaims(nil, testScope, testNow)
	for n := range claims {
		if _, err := parseClaims(claims[:n]); err == nil {
			t.Errorf("claims cut to %d bytes are taken", n)
		}
	}
	if _, err := parseClaims(append(claims, 0)); err == nil {
		t.Error("longer claims are taken")
	}
	claims[0]++
	if _, err := parseClaims(claims[:len(claims)]); err == nil {
		t.Error("claims of another version are taken")
	}
}

func FuzzParseClaims(f *testing.F) {
	f.Add(appendClaims(nil, testScope, testNow))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseClaims(b)
		if err != nil {
			return
		}
		again, err := parseClaims(appendClaims(nil, s.SessionScope, s.Expiration))
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Fatalf("%+v became %+v, %v", s, again, err)
		}
	})
}

func TestAllowS3(t *testing.T) {
	t.Parallel()
	const in, out = "p/source/abc", "p/build/../def"
	job := Principal{Job: testScope.Job}
	tests := []struct {
		action, bucket, key string
		want                bool
	}{
		{"s3:GetObject", "artifacts", in, true},
		{"s3:HeadObject", "artifacts", in, true},
		{"s3:GetObjectVersion", "artifacts", in, true},
		{"s3:GetObject", "other", "p/x", true},
		{"s3:GetObject", "other", in, false},
		{"s3:GetObject", "artifacts", in + "d", false},
		{"s3:GetObject", "artifacts", "p/source", false},
		{"s3:GetObject", "artifacts", out, false},
		{"s3:GetObject", "artifacts", "p/def", false},
		{"s3:PutObject", "artifacts", out, true},
		{"s3:CreateMultipartUpload", "artifacts", out, true},
		{"s3:UploadPart", "artifacts", out, true},
		{"s3:CompleteMultipartUpload", "artifacts", out, true},
		{"s3:AbortMultipartUpload", "artifacts", out, true},
		{"s3:ListMultipartUploadParts", "artifacts", out, true},
		{"s3:PutObject", "artifacts", in, false},
		{"s3:PutObject", "artifacts", "p/def", false},
		{"s3:DeleteObject", "artifacts", out, false},
		{"s3:PutObjectAcl", "artifacts", out, false},
		{"s3:GetBucketLocation", "artifacts", "", true},
		{"s3:GetBucketLocation", "other", "", true},
		{"s3:GetBucketLocation", "third", "", false},
		{"s3:ListBucket", "artifacts", "", false},
		{"s3:ListAllMyBuckets", "", "", false},
		{"s3:CreateBucket", "artifacts", "", false},
		{"", "", "", false},
	}
	for _, test := range tests {
		t.Run(strings.Join([]string{test.action, test.bucket, test.key}, " "), func(t *testing.T) {
			t.Parallel()
			if got := job.AllowS3(test.action, test.bucket, test.key); got != test.want {
				t.Errorf("job: %v, want %v", got, test.want)
			}
			if !(Principal{}).AllowS3(test.action, test.bucket, test.key) {
				t.Error("an access key is refused")
			}
		})
	}
}

func BenchmarkMint(b *testing.B) {
	s := newTestSessions(b, testNow)
	b.ReportAllocs()
	for b.Loop() {
		s.Mint(testScope, 15*time.Minute)
	}
}

func BenchmarkResolve(b *testing.B) {
	s := newTestSessions(b, testNow)
	c := s.Mint(testScope, 15*time.Minute)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Resolve(c.AccessKeyID, string(c.SessionToken)); err != nil {
			b.Fatal(err)
		}
	}
}
