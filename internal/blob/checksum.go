package blob

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"strconv"
)

// Algorithm is a checksum algorithm of S3.
type Algorithm string

// The algorithms, as x-amz-checksum-algorithm names them.
const (
	CRC32     Algorithm = "CRC32"
	CRC32C    Algorithm = "CRC32C"
	CRC64NVME Algorithm = "CRC64NVME"
	SHA1      Algorithm = "SHA1"
	SHA256    Algorithm = "SHA256"
)

// Algorithms lists all of them.
var Algorithms = []Algorithm{CRC32, CRC32C, CRC64NVME, SHA1, SHA256}

// ChecksumType says what a checksum is computed over.
type ChecksumType string

// The values of x-amz-checksum-type.
const (
	FullObject ChecksumType = "FULL_OBJECT"
	Composite  ChecksumType = "COMPOSITE" // over the parts' checksums
)

// Checksum is a checksum kept with an object or a part; the zero value is
// none.
type Checksum struct {
	Algorithm Algorithm    `json:",omitempty"`
	Type      ChecksumType `json:",omitempty"`
	Value     string       `json:",omitempty"` // base64, with "-N" when composite
}

// Reversed polynomials, as hash/crc32 and hash/crc64 write them.
const nvmePolynomial = 0x9a6c9329ac4bc9b5

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvme       = crc64.MakeTable(nvmePolynomial)
)

// New returns a hash of the algorithm, nil for an unknown one.
func (a Algorithm) New() hash.Hash {
	switch a {
	case CRC32:
		return crc32.NewIEEE()
	case CRC32C:
		return crc32.New(castagnoli)
	case CRC64NVME:
		return crc64.New(nvme)
	case SHA1:
		return sha1.New()
	case SHA256:
		return sha256.New()
	}
	return nil
}

// DefaultType is the type that S3 gives to a multipart object.
func (a Algorithm) DefaultType() ChecksumType {
	switch a {
	case "":
		return ""
	case CRC64NVME:
		return FullObject
	}
	return Composite
}

// Allows reports whether multipart objects may have that type of checksum.
func (a Algorithm) Allows(t ChecksumType) bool {
	switch a {
	case CRC64NVME:
		return t == FullObject
	case CRC32, CRC32C:
		return t == FullObject || t == Composite
	case SHA1, SHA256:
		return t == Composite
	}
	return t == ""
}

// Combine makes the checksum of a multipart object of those of its parts. ok
// is false when a part's value is not one of the algorithm.
func Combine(a Algorithm, t ChecksumType, parts []Part) (sum Checksum, ok bool) {
	size := a.New().Size()
	whole := a.New()
	var crc uint64
	for i, p := range parts {
		raw, err := base64.StdEncoding.DecodeString(p.Checksum.Value)
		if err != nil || len(raw) != size {
			return Checksum{}, false
		}
		if t == Composite {
			whole.Write(raw)
			continue
		}
		var next uint64
		for _, b := range raw {
			next = next<<8 | uint64(b)
		}
		if i == 0 {
			crc = next
		} else {
			crc = a.joinCRC(crc, next, p.Size)
		}
	}
	sum = Checksum{Algorithm: a, Type: t}
	if t == Composite {
		sum.Value = base64.StdEncoding.EncodeToString(whole.Sum(nil)) + "-" + strconv.Itoa(len(parts))
		return sum, true
	}
	raw := make([]byte, size)
	for i := range raw {
		raw[i] = byte(crc >> (8 * (size - 1 - i)))
	}
	sum.Value = base64.StdEncoding.EncodeToString(raw)
	return sum, true
}

// joinCRC returns the CRC of A followed by B from their CRCs and B's length.
// A zero bit fed to a reflected CRC register r is r>>1, with the polynomial
// added when a bit falls out. That is linear, so a matrix over GF(2) does it,
// and squaring the matrix doubles the number of bits: the length of B in bits
// is reached in as many steps as it has binary digits. Inversion at start and
// end of the CRC cancels out between the two operands.
func (a Algorithm) joinCRC(first, second uint64, length int64) uint64 {
	bits, polynomial := 32, uint64(crc32.IEEE)
	switch a {
	case CRC32C:
		polynomial = crc32.Castagnoli
	case CRC64NVME:
		bits, polynomial = 64, nvmePolynomial
	}
	step := make([]uint64, bits)
	step[0] = polynomial
	for i := 1; i < bits; i++ {
		step[i] = 1 << (i - 1)
	}
	apply := func(m []uint64, v uint64) (r uint64) {
		for i := 0; v != 0; i, v = i+1, v>>1 {
			if v&1 != 0 {
				r ^= m[i]
			}
		}
		return r
	}
	for n := uint64(length) * 8; n != 0; n >>= 1 {
		if n&1 != 0 {
			first = apply(step, first)
		}
		square := make([]uint64, bits)
		for i := range square {
			square[i] = apply(step, step[i])
		}
		step = square
	}
	return first ^ second
}
