package sigv4

import (
	"net/http"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	isoBasic   = "20060102T150405Z"
)

// claim is what a request says about its own signature.
type claim struct {
	presigned     bool
	algorithm     string
	credential    string
	signedHeaders string
	signature     string
	token         string
	expires       string
	hasExpires    bool
	timestamp     string // ISO 8601 basic, as in the string to sign
	time          time.Time
}

// parseClaim finds the signature in the header or the query of r.
func parseClaim(r *http.Request) (claim, *Error) {
	authorization := first(r.Header, "Authorization")
	if strings.Contains(r.URL.RawQuery, "=") {
		if alg, ok := queryValue(r.URL.RawQuery, "X-Amz-Algorithm"); ok {
			if authorization != "" {
				return claim{}, &Error{Reason: BothForms, Message: "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."}
			}
			return parseQueryClaim(r.URL.RawQuery, alg)
		}
	}
	if authorization == "" {
		return claim{}, &Error{Reason: Missing, Message: "Missing Authentication Token"}
	}
	return parseHeaderClaim(r.Header, authorization)
}

func parseHeaderClaim(h http.Header, authorization string) (claim, *Error) {
	c := claim{token: first(h, "X-Amz-Security-Token")}
	var bare string // the first parameter without an equal sign
	var named [3]bool
	rest := authorization
	c.algorithm, rest = nextWord(rest)
	for word, rest := nextWord(rest); word != ""; word, rest = nextWord(rest) {
		name, value, ok := strings.Cut(word, "=")
		if !ok && bare == "" {
			bare = word
		}
		switch present := value != "" || !ok; name {
		case "Credential":
			c.credential, named[0] = value, present
		case "Signature":
			c.signature, named[1] = value, present
		case "SignedHeaders":
			c.signedHeaders, named[2] = value, present
		}
	}
	date := first(h, "X-Amz-Date")
	httpDate := ""
	if date == "" {
		httpDate = first(h, "Date")
	}
	if !named[0] || !named[1] || !named[2] || date == "" && httpDate == "" {
		var b strings.Builder
		for i, name := range [...]string{"Credential", "Signature", "SignedHeaders"} {
			if !named[i] {
				b.WriteString("Authorization header requires '" + name + "' parameter. ")
			}
		}
		if date == "" && httpDate == "" {
			b.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
		}
		b.WriteString("Authorization=" + authorization)
		return c, &Error{Reason: Incomplete, Message: b.String()}
	}
	if bare != "" {
		return c, &Error{Reason: Incomplete, Message: "'" + bare + "' not a valid key=value pair (missing equal-sign) in Authorization header: '" + authorization + "'."}
	}
	if httpDate != "" {
		date = httpDate
		if t, err := http.ParseTime(httpDate); err == nil {
			date = t.UTC().Format(isoBasic)
		}
	}
	return c, c.setTime(date)
}

func parseQueryClaim(raw, alg string) (claim, *Error) {
	c := claim{presigned: true, algorithm: alg}
	c.credential, _ = queryValue(raw, "X-Amz-Credential")
	c.signature, _ = queryValue(raw, "X-Amz-Signature")
	c.signedHeaders, _ = queryValue(raw, "X-Amz-SignedHeaders")
	c.token, _ = queryValue(raw, "X-Amz-Security-Token")
	c.expires, c.hasExpires = queryValue(raw, "X-Amz-Expires")
	date, _ := queryValue(raw, "X-Amz-Date")
	var b strings.Builder
	for _, p := range [...]struct{ name, value string }{
		{"X-Amz-Algorithm", alg},
		{"X-Amz-Credential", c.credential},
		{"X-Amz-Signature", c.signature},
		{"X-Amz-SignedHeaders", c.signedHeaders},
		{"X-Amz-Date", date},
	} {
		if p.value == "" {
			b.WriteString("AWS query-string parameters must include '" + p.name + "'. ")
		}
	}
	if b.Len() > 0 {
		b.WriteString("Re-examine the query-string parameters.")
		return c, &Error{Reason: Incomplete, Message: b.String(), Presigned: true}
	}
	return c, c.setTime(date)
}

func (c *claim) setTime(date string) *Error {
	// time.Parse would take fractions of a second.
	t, err := time.Parse(isoBasic, date)
	if err != nil || len(date) != len(isoBasic) {
		return &Error{
			Reason:    Incomplete,
			Message:   "Date must be in ISO-8601 'basic format'. Got '" + date + "'. See http://en.wikipedia.org/wiki/ISO_8601",
			Presigned: c.presigned,
		}
	}
	c.timestamp, c.time = date, t
	return nil
}

// nextWord cuts the next parameter off an Authorization header: AWS takes
// commas, blanks or both between them.
func nextWord(s string) (word, rest string) {
	i := 0
	for i < len(s) && isSeparator(s[i]) {
		i++
	}
	j := i
	for j < len(s) && !isSeparator(s[j]) {
		j++
	}
	return s[i:j], s[j:]
}

func isSeparator(c byte) bool { return c == ' ' || c == ',' || c == '\t' }

// queryValue returns the decoded value of the first parameter with that name.
func queryValue(raw, name string) (string, bool) {
	for rest, more := raw, true; more; {
		var param string
		param, rest, more = strings.Cut(rest, "&")
		n, value, _ := strings.Cut(param, "=")
		if n == name || strings.Contains(n, "%") && decodeQuery(n) == name {
			return decodeQuery(value), true
		}
	}
	return "", false
}

func first(h http.Header, canonicalKey string) string {
	if v := h[canonicalKey]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// credential is a claim's credential, taken apart.
type credential struct {
	scope
	text       string // date/region/service/terminator
	terminator string
}

func splitCredential(s string) (credential, bool) {
	var c credential
	var ok [4]bool
	var more string
	c.keyID, c.text, ok[0] = strings.Cut(s, "/")
	c.date, more, ok[1] = strings.Cut(c.text, "/")
	c.region, more, ok[2] = strings.Cut(more, "/")
	c.service, c.terminator, ok[3] = strings.Cut(more, "/")
	return c, ok == [4]bool{true, true, true, true} && !strings.Contains(c.terminator, "/")
}

// Service returns the service in the credential scope of a request, or "" when
// it is not signed in a form that has one. Nothing is verified: it serves to
// route a request to the service that verifies it.
func Service(r *http.Request) string {
	var text string
	if authorization := first(r.Header, "Authorization"); authorization != "" {
		_, after, ok := strings.Cut(authorization, "Credential=")
		if !ok {
			return ""
		}
		text, _ = nextWord(after)
	} else if strings.Contains(r.URL.RawQuery, "X-Amz-Credential") {
		text, _ = queryValue(r.URL.RawQuery, "X-Amz-Credential")
	}
	c, ok := splitCredential(text)
	if !ok {
		return ""
	}
	return c.service
}
