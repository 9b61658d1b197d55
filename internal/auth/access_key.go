package auth

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
)

// AccessKey is a long-term access key beside the root key.
type AccessKey struct {
	ID      string
	Secret  Secret
	Account string // 12 digits
	// User is the name in the ARN of who signs with it.
	User string
	// ServicePrincipal is the service that signs with it, "" for none.
	ServicePrincipal string
}

// ARN names who signs with the key.
func (k AccessKey) ARN() string { return "arn:aws:iam::" + k.Account + ":user/" + k.User }

// longTermPrefix begins the ids of access keys.
const longTermPrefix = "AKIA"

// keyIDLength is the length of the ids of access keys.
const keyIDLength = 20

// NewAccessKey returns the id and secret of a new access key, in the shape of
// AWS's.
func NewAccessKey() (id string, secret Secret) {
	var b [30]byte
	rand.Read(b[:])
	return longTermPrefix + rand.Text()[:keyIDLength-len(longTermPrefix)], Secret(base64.StdEncoding.EncodeToString(b[:]))
}

func isAccessKeyID(id string) bool {
	return len(id) == keyIDLength && strings.HasPrefix(id, longTermPrefix)
}
