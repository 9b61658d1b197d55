package sigv4

import (
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"strings"
	"sync"
)

var (
	castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })
	nvme       = sync.OnceValue(func() *crc64.Table { return crc64.MakeTable(0x9a6c9329ac4bc9b5) })
)

// NewChecksum returns the hash behind one of S3's checksum algorithms: CRC32,
// CRC32C, CRC64NVME, SHA1, SHA256, in any letter case, or false for any other.
// The value of an x-amz-checksum-NAME header or trailer is the base64 of its
// Sum. See "Checking object integrity" in the S3 user guide.
func NewChecksum(name string) (hash.Hash, bool) {
	switch strings.ToUpper(name) {
	case "CRC32":
		return crc32.NewIEEE(), true
	case "CRC32C":
		return crc32.New(castagnoli()), true
	case "CRC64NVME":
		return crc64.New(nvme()), true
	case "SHA1":
		return sha1.New(), true
	case "SHA256":
		return sha256.New(), true
	}
	return nil, false
}
