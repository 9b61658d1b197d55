package sigv4

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	testID     = "AKIDEXAMPLE"
	testSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

var testTime = time.Date(2013, 6, 9, 10, 0, 15, 0, time.UTC)

var testCredentials = Credentials{AccessKeyID: testID, SecretAccessKey: testSecret}

// keyMap finds keys by access key id and session token, with a slash between.
type keyMap map[string]struct {
	secret string
	err    error
}

func (m keyMap) Lookup(id, token string) (Key, error) {
	k, ok := m[id+"/"+token]
	if !ok {
		return Key{}, ErrUnknownKey
	}
	return Key{Secret: k.secret, Owner: id}, k.err
}

func testKeys() keyMap {
	return keyMap{
		testID + "/":                  {testSecret, nil},
		testID + "/foreign":           {"", ErrBadToken},
		"ASIAEXAMPLE/":                {"", ErrBadToken},
		"ASIAEXAMPLE/TOKEN":           {"session-secret", nil},
		"ASIAEXPIRED/TOKEN":           {"session-secret", ErrTokenExpired},
		"AKIAIOSFODNN7EXAMPLE/":       {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", nil},
		"AKIABROKEN/":                 {"", errBroken},
		"ASIASDK/sdk-session/+=token": {testSecret, nil},
	}
}

var errBroken = errors.New("the key table is broken")

func newTestVerifier(services ...string) *Verifier {
	return &Verifier{Keys: testKeys(), Now: func() time.Time { return testTime }, Services: services}
}

// parseRequest turns text with plain line ends into a request as a server
// gets it. The body begins behind the empty line.
func parseRequest(t testing.TB, text string) *http.Request {
	t.Helper()
	head, body, _ := strings.Cut(text, "\n\n")
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// receive sends a client's request through its wire form.
func receive(t testing.TB, r *http.Request) *http.Request {
	t.Helper()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func newRequest(t testing.TB, method, url string, body []byte) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wantFailure checks that err is an *Error with that JSON code and message.
func wantFailure(t *testing.T, err error, code, message string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got error %v, want an *Error with code %s", err, code)
	}
	if e.JSONCode() != code {
		t.Errorf("code %s, want %s", e.JSONCode(), code)
	}
	if e.Message != message {
		t.Errorf("message\n%q, want\n%q", e.Message, message)
	}
}
