package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"strings"
)

const sealPrefix = "sealed:v1:"

// ErrSealed says that a sealed value is damaged, of another installation or
// of another context.
var ErrSealed = errors.New("auth: sealed value cannot be opened: it is damaged, belongs elsewhere, or the master key is another one")

// Sealer encrypts secrets before they reach the database.
type Sealer struct{ aead cipher.AEAD }

// NewSealer returns the sealer of an installation.
func NewSealer(key MasterKey) *Sealer {
	return &Sealer{newAEAD(key.Subkey("seal v1"))}
}

func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // only for a wrong key length
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // never for AES
	}
	return aead
}

// Seal returns plaintext encrypted, as text. Open needs the same context, for
// example "client-token", so that a value cannot be moved to where it would
// mean something else.
func (s *Sealer) Seal(plaintext []byte, context string) string {
	return sealPrefix + base64.RawStdEncoding.EncodeToString(s.aead.Seal(nil, nil, plaintext, []byte(context)))
}

// Open undoes Seal. The error is ErrSealed.
func (s *Sealer) Open(sealed, context string) ([]byte, error) {
	text, ok := strings.CutPrefix(sealed, sealPrefix)
	if !ok {
		return nil, ErrSealed
	}
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, ErrSealed
	}
	plaintext, err := s.aead.Open(nil, nil, b, []byte(context))
	if err != nil {
		return nil, ErrSealed
	}
	return plaintext, nil
}
