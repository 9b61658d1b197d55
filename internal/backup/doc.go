// Package backup is the form of a backup: named files, one after the other, in
// a tar file or a folder, with their SHA-256 in the last of them, SHA256SUMS,
// whose form is that of sha256sum. A backup without it is not whole.
package backup

import "errors"

// sumsName is the file of digests.
const sumsName = "SHA256SUMS"

// ErrDamaged is wrapped by errors about a backup that is not as it was made.
var ErrDamaged = errors.New("the backup is damaged or incomplete")
