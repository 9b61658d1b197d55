package hostcert

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Keeper serves the certificate in two files and takes a new one as soon as
// the files change, so that a renewal needs no restart.
type Keeper struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	cert    *tls.Certificate
	version string // of the files that cert was read from
	told    string // the last complaint about newer files
}

// Keep reads the certificate for the first time.
func Keep(certFile, keyFile string, log *slog.Logger) (*Keeper, error) {
	k := &Keeper{certFile: certFile, keyFile: keyFile, log: log}
	version, err := k.stat()
	if err != nil {
		return nil, err
	}
	if err := k.read(version); err != nil {
		return nil, err
	}
	return k, nil
}

// Config is for a server: TLS 1.2 or newer, HTTP/1.1 as AWS's endpoints have it.
func (k *Keeper) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: k.get}
}

// get looks at the files at each handshake, which costs far more than the look.
func (k *Keeper) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	version, err := k.stat()
	if err == nil && version != k.version {
		if err = k.read(version); err == nil {
			k.told = ""
			k.log.Info("new TLS certificate", "file", k.certFile, "valid until", k.cert.Leaf.NotAfter)
		}
	}
	if err != nil && err.Error() != k.told { // half-way through a change, perhaps
		k.told = err.Error()
		k.log.Warn("the TLS certificate cannot be read again; the one before is used", "error", err)
	}
	return k.cert, nil
}

func (k *Keeper) stat() (string, error) {
	cert, err := os.Stat(k.certFile)
	if err != nil {
		return "", err
	}
	key, err := os.Stat(k.keyFile)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(cert.ModTime().UnixNano(), cert.Size(), key.ModTime().UnixNano(), key.Size()), nil
}

func (k *Keeper) read(version string) error {
	cert, err := tls.LoadX509KeyPair(k.certFile, k.keyFile)
	if err != nil {
		return err
	}
	if left := time.Until(cert.Leaf.NotAfter); left < 30*24*time.Hour {
		k.log.Warn("the TLS certificate ends soon; make a new one with `penstock tls init`", "file", k.certFile, "ends", cert.Leaf.NotAfter)
	}
	k.cert, k.version = &cert, version
	return nil
}
