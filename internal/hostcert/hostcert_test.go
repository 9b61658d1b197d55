package hostcert

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var today = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func TestNames(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		regions, hosts []string
		has            string
		err            string
	}{
		{name: "a region", regions: []string{"eu-west-1"}, has: "codepipeline.eu-west-1.amazonaws.com *.s3.eu-west-1.amazonaws.com sts.amazonaws.com"},
		{name: "China", regions: []string{"cn-north-1"}, has: "codepipeline.cn-north-1.amazonaws.com.cn s3.cn-north-1.amazonaws.com.cn"},
		{name: "GovCloud", regions: []string{"us-gov-west-1"}, has: "codepipeline.us-gov-west-1.amazonaws.com"},
		{name: "hosts", hosts: []string{"Penstock.Example.COM.", "10.0.0.5", "::1", "*.ci.example.com"}, has: "penstock.example.com 10.0.0.5 ::1 *.ci.example.com"},
		{name: "nothing", err: "at least one"},
		{name: "not a region", regions: []string{"everywhere"}, err: "everywhere"},
		{name: "not a host", hosts: []string{"a b"}, err: `"a b"`},
		{name: "a wildcard in the middle", hosts: []string{"a.*.com"}, err: "a.*.com"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			names, err := Names(tc.regions, tc.hosts)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("got %v, want an error about %s", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			all := " " + strings.Join(names, " ") + " "
			for want := range strings.FieldsSeq(tc.has) {
				if !strings.Contains(all, " "+want+" ") {
					t.Errorf("%s is missing in%s", want, all)
				}
			}
		})
	}
}

func TestHostsLines(t *testing.T) {
	t.Parallel()
	got := HostsLines("10.0.0.5", []string{"eu-west-1", "us-east-1"}, []string{"artifacts"})
	for _, want := range []string{"10.0.0.5 codepipeline.eu-west-1.amazonaws.com\n", "10.0.0.5 artifacts.s3.us-east-1.amazonaws.com\n", "10.0.0.5 sts.amazonaws.com\n"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, got)
		}
	}
	if strings.Contains(got, "*") {
		t.Errorf("a hosts file knows no wildcards:\n%s", got)
	}
}

func names(t *testing.T, hosts ...string) []string {
	t.Helper()
	n, err := Names([]string{"eu-west-1"}, hosts)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// dial shakes hands as a client that trusts the authority in the folder does.
func dial(t *testing.T, k *Keeper, dir, host string, now time.Time) (*x509.Certificate, error) {
	t.Helper()
	ca, err := os.ReadFile(filepath.Join(dir, CAFile))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("the authority's file holds no certificate")
	}
	a, b := net.Pipe()
	server := tls.Server(a, k.Config())
	go server.Handshake()
	defer a.Close() // not the ends of TLS: they would wait for each other's farewell
	defer b.Close()
	client := tls.Client(b, &tls.Config{RootCAs: roots, ServerName: host, Time: func() time.Time { return now }})
	if err := client.HandshakeContext(t.Context()); err != nil {
		return nil, err
	}
	return client.ConnectionState().PeerCertificates[0], nil
}

func TestInitAndServe(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "tls")
	made, err := Init(dir, names(t, "10.1.2.3"), today)
	if err != nil {
		t.Fatal(err)
	}
	if !made.NewCA || made.NotAfter != today.Add(certLife) || made.CANotAfter != today.Add(caLife) {
		t.Errorf("made %+v", made)
	}
	for file, want := range map[string]os.FileMode{CAKeyFile: 0o600, KeyFile: 0o600, CAFile: 0o644, CertFile: 0o644} {
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", file, info.Mode())
		}
	}
	var log bytes.Buffer
	k, err := Keep(filepath.Join(dir, CertFile), filepath.Join(dir, KeyFile), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for host, good := range map[string]bool{
		"codepipeline.eu-west-1.amazonaws.com": true, "bucket.s3.eu-west-1.amazonaws.com": true, "10.1.2.3": true,
		"ec2.eu-west-1.amazonaws.com": false, "codepipeline.us-east-1.amazonaws.com": false, "10.1.2.4": false,
	} {
		if _, err := dial(t, k, dir, host, today); (err == nil) != good {
			t.Errorf("%s: %v", host, err)
		}
	}
	first, err := dial(t, k, dir, "sts.amazonaws.com", today)
	if err != nil {
		t.Fatal(err)
	}

	later := today.Add(300 * 24 * time.Hour)
	renewed, err := Init(dir, names(t, "10.1.2.3"), later)
	if err != nil {
		t.Fatal(err)
	}
	if renewed.NewCA || renewed.Fingerprint != made.Fingerprint {
		t.Errorf("the renewal changed the authority: %+v", renewed)
	}
	second, err := dial(t, k, dir, "sts.amazonaws.com", later)
	if err != nil {
		t.Fatal(err)
	}
	if first.Equal(second) || second.NotAfter != later.Add(certLife) {
		t.Errorf("the server does not use the new certificate, but one until %v", second.NotAfter)
	}

	if err := os.WriteFile(filepath.Join(dir, CertFile), []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if third, err := dial(t, k, dir, "sts.amazonaws.com", later); err != nil || !third.Equal(second) {
			t.Errorf("a broken file: %v", err)
		}
	}
	if n := strings.Count(log.String(), "cannot be read again"); n != 1 {
		t.Errorf("%d complaints about one broken file:\n%s", n, log.String())
	}
}

// The key of the authority is worth nothing for any other name.
func TestAuthorityIsConstrained(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Init(dir, names(t), today); err != nil {
		t.Fatal(err)
	}
	ca, key, err := load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"example.com", "ec2.eu-west-1.amazonaws.com", "10.0.0.1"} {
		if _, err := issue(t.TempDir(), ca, key, []string{name}, today); err == nil || !strings.Contains(err.Error(), "may not sign for "+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Init(dir, names(t, "example.com"), today); err == nil || !strings.Contains(err.Error(), "another folder") {
		t.Errorf("a further name with the authority that is there: %v", err)
	}
}

// Whatever is wrong with the authority's files, no second one is put in its
// place.
func TestBrokenAuthority(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file, content string // "" removes the file
		err           string
	}{
		"no key":                 {CAKeyFile, "", "its key is not"},
		"key of another":         {CAKeyFile, "other", "is not the key of"},
		"certificate is no PEM":  {CAFile, "x", "no CERTIFICATE"},
		"certificate in the key": {CAKeyFile, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no PRIVATE KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, other := t.TempDir(), t.TempDir()
			for _, d := range []string{dir, other} {
				if _, err := Init(d, names(t), today); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(dir, tc.file)
			content := []byte(tc.content)
			var err error
			if tc.content == "other" {
				content, err = os.ReadFile(filepath.Join(other, tc.file))
			}
			if err == nil && tc.content == "" {
				err = os.Remove(path)
			} else if err == nil {
				err = os.WriteFile(path, content, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Init(dir, names(t), today); err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("got %v, want an error about %q", err, tc.err)
			}
		})
	}
}
