package hostcert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The files of a folder that Init has filled.
const (
	CAFile      = "ca.pem"         // for the trust stores of clients
	CAKeyFile   = "ca-key.pem"     // stays with whoever makes certificates
	CertFile    = "server.pem"     // --tls-cert
	KeyFile     = "server-key.pem" // --tls-key
	caLife      = 10 * 365 * 24 * time.Hour
	certLife    = 397 * 24 * time.Hour // the most that clients accept of public authorities
	clockSkew   = time.Hour            // certificates are valid a little before they are made
	defaultName = "Penstock private CA"
)

// Result tells what Init has made.
type Result struct {
	Names       []string  `json:"names"`       // of the server certificate
	NotAfter    time.Time `json:"notAfter"`    // of the server certificate
	CANotAfter  time.Time `json:"caNotAfter"`  // of the authority
	Fingerprint string    `json:"fingerprint"` // SHA-256 of the authority's certificate, in hex
	NewCA       bool      `json:"newCA"`       // the authority was made too, not only the server certificate
}

// Init fills dir with an authority, unless one is there, and with a server
// certificate for the names of Names. The authority may sign nothing but those
// names (a critical name constraint): whoever steals its key cannot stand in
// for any other host. So an authority that is there and lacks one of the names
// is an error.
func Init(dir string, names []string, now time.Time) (Result, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Result{}, err
	}
	ca, key, err := load(dir)
	fresh := errors.Is(err, fs.ErrNotExist)
	if fresh {
		ca, key, err = newAuthority(dir, names, now)
	}
	if err != nil {
		return Result{}, err
	}
	cert, err := issue(dir, ca, key, names, now)
	if err != nil {
		return Result{}, err
	}
	return Result{
		Names: names, NotAfter: cert.NotAfter.UTC(), CANotAfter: ca.NotAfter.UTC(), NewCA: fresh,
		Fingerprint: fmt.Sprintf("%x", sha256.Sum256(ca.Raw)),
	}, nil
}

func newAuthority(dir string, names []string, now time.Time) (*x509.Certificate, crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: defaultName + " " + now.UTC().Format(time.DateOnly)},
		NotBefore: now.Add(-clockSkew), NotAfter: now.Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		PermittedDNSDomainsCritical: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.PermittedIPRanges = append(template.PermittedIPRanges, whole(ip))
		} else {
			template.PermittedDNSDomains = append(template.PermittedDNSDomains, strings.TrimPrefix(name, "*."))
		}
	}
	if len(template.PermittedIPRanges) == 0 { // else every address would be permitted
		template.ExcludedIPRanges = []*net.IPNet{{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}, {IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)}}
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	ca, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, nil, err
	}
	if err := writeKey(filepath.Join(dir, CAKeyFile), key); err != nil {
		return nil, nil, err
	}
	return ca, key, write(filepath.Join(dir, CAFile), 0o644, "CERTIFICATE", raw)
}

// whole is the range of one address.
func whole(ip net.IP) *net.IPNet {
	if v4 := ip.To4(); v4 != nil {
		return &net.IPNet{IP: v4, Mask: net.CIDRMask(32, 32)}
	}
	return &net.IPNet{IP: ip, Mask: net.CIDRMask(128, 128)}
}

func issue(dir string, ca *x509.Certificate, caKey crypto.Signer, names []string, now time.Time) (*x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Penstock"},
		NotBefore: now.Add(-clockSkew), NotAfter: now.Add(certLife), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if template.NotAfter.After(ca.NotAfter) {
		template.NotAfter = ca.NotAfter
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), caKey)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, err
	}
	if err := verify(cert, ca, names, now); err != nil {
		return nil, err
	}
	if err := writeKey(filepath.Join(dir, KeyFile), key); err != nil {
		return nil, err
	}
	return cert, write(filepath.Join(dir, CertFile), 0o644, "CERTIFICATE", raw, ca.Raw)
}

// verify checks the certificate as a client will.
func verify(cert, ca *x509.Certificate, names []string, now time.Time) error {
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	for _, name := range names {
		_, err := cert.Verify(x509.VerifyOptions{DNSName: strings.Replace(name, "*", "any", 1), Roots: roots, CurrentTime: now})
		if err != nil {
			return fmt.Errorf("the authority may not sign for %s: %w; authorities are made for their names only: use another folder and let clients trust that one too", name, err)
		}
	}
	return nil
}

// load reads the authority of the folder; fs.ErrNotExist when there is none.
func load(dir string) (*x509.Certificate, crypto.Signer, error) {
	certFile, keyFile := filepath.Join(dir, CAFile), filepath.Join(dir, CAKeyFile)
	raw, err := block(certFile, "CERTIFICATE")
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", certFile, err)
	}
	if raw, err = block(keyFile, "PRIVATE KEY"); err != nil {
		return nil, nil, fmt.Errorf("the authority's certificate is there and its key is not: %v", err) // not %w: nothing may be made over it
	}
	parsed, err := x509.ParsePKCS8PrivateKey(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", keyFile, err)
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, nil, fmt.Errorf("%s holds a key that cannot sign", keyFile)
	}
	if public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(cert.PublicKey) {
		return nil, nil, fmt.Errorf("%s is not the key of %s", keyFile, certFile)
	}
	return cert, key, nil
}

func block(file, kind string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	b, _ := pem.Decode(text)
	if b == nil || b.Type != kind {
		return nil, fmt.Errorf("%s holds no %s in PEM form", file, kind)
	}
	return b.Bytes, nil
}

func writeKey(file string, key crypto.Signer) error {
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return write(file, 0o600, "PRIVATE KEY", raw)
}

// write replaces a file at once, so that a server never reads half of it.
func write(file string, mode os.FileMode, kind string, blocks ...[]byte) error {
	var text []byte
	for _, raw := range blocks {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw})...)
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

func serial() *big.Int {
	var b [16]byte
	rand.Read(b[:])
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b[:])
}
