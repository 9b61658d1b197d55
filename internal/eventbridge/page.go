package eventbridge

import (
	"encoding/base64"
	"strings"
)

// maxPage is the size of a page that does not ask for less.
const maxPage = 100

// Tokens of lists name the last entry that was shown. They are opaque to
// clients, but no secret: whatever a token says, a caller sees only what is
// theirs.
const tokenPrefix = "after/"

func nextToken(last string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(tokenPrefix + last))
}

// lastOf reads a token; "" begins at the first entry.
func lastOf(token string) (string, error) {
	if token == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	last, ok := strings.CutPrefix(string(raw), tokenPrefix)
	if err != nil || !ok {
		return "", invalid("NextToken is not one that this server has answered")
	}
	return last, nil
}

func pageSize(limit *int) int {
	if limit == nil {
		return maxPage
	}
	return *limit
}
