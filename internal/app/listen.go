package app

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"

	"penstock/internal/hostcert"
)

// listen opens the listeners: plain, and with TLS where the settings ask for
// it.
func (a *App) listen() error {
	var err error
	if a.listener, err = net.Listen("tcp", a.cfg.Listen); err != nil {
		return fmt.Errorf("%w; choose another address with --listen", err)
	}
	if a.cfg.MetricsListen != "" {
		if a.metricsAt, err = net.Listen("tcp", a.cfg.MetricsListen); err != nil {
			return fmt.Errorf("%w; choose another address with --metrics-listen", err)
		}
	}
	if a.cfg.ListenTLS == "" {
		return nil
	}
	cert, key := a.cfg.TLSCert, a.cfg.TLSKey
	if cert == "" {
		cert, key = filepath.Join(a.cfg.Data, "tls", hostcert.CertFile), filepath.Join(a.cfg.Data, "tls", hostcert.KeyFile)
	}
	if a.certificate, err = hostcert.Keep(cert, key, a.log); err != nil {
		return fmt.Errorf("--listen-tls: %w; make a certificate with `penstock tls init --dir %s`, or name yours with --tls-cert and --tls-key", err, filepath.Dir(cert))
	}
	if a.secure, err = net.Listen("tcp", a.cfg.ListenTLS); err != nil {
		return fmt.Errorf("%w; choose another address with --listen-tls", err)
	}
	return nil
}

// serve serves all listeners, metrics by a server of their own where they have
// one, until the servers are shut down.
func (a *App) serve(srv, metrics *http.Server) error {
	ended := make(chan error, 3)
	count := 1
	go func() { ended <- srv.Serve(a.listener) }()
	if a.secure != nil {
		count++
		srv.TLSConfig = a.certificate.Config()
		go func() { ended <- srv.ServeTLS(a.secure, "", "") }()
	}
	if a.metricsAt != nil {
		count++
		go func() { ended <- metrics.Serve(a.metricsAt) }()
	}
	for range count {
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
	}
	return nil
}

// URL is where the server listens.
func (a *App) URL() string { return "http://" + a.listener.Addr().String() }

// SecureURL is where it listens with TLS, "" when it does not.
func (a *App) SecureURL() string {
	if a.secure == nil {
		return ""
	}
	return "https://" + a.secure.Addr().String()
}

func closeListener(l net.Listener) error {
	if l == nil {
		return nil
	}
	if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
