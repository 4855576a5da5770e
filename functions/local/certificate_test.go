package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/functions/local/server"
)

func TestTheServersOwnCertificateIsKeptUntilItEnds(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	first, file, err := certificate(dir, "localhost", now)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		host string
		at   time.Time
		same bool
	}{
		"a day later":                     {"localhost", now.AddDate(0, 0, 1), true},
		"by its address":                  {"127.0.0.1", now, true},
		"twenty days before it would end": {"localhost", now.Add(certificateLife).AddDate(0, 0, -20), false},
	} {
		again, _, err := certificate(dir, c.host, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if same := bytes.Equal(first.Certificate[0], again.Certificate[0]); same != c.same {
			t.Errorf("%s: the same %v, want %v", name, same, c.same)
		}
		if !c.same {
			first = again
		}
	}
	other, _, err := certificate(dir, "tarn.example.com", now)
	if err != nil || other.Leaf.VerifyHostname("tarn.example.com") != nil {
		t.Errorf("for another host: %v", err)
	}
	for _, name := range []string{file, filepath.Join(dir, "tls", "key.pem")} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// TestHTTPSIsServedToWhoTrustsTheCertificate starts a server, and runs the lines that
// it tells people to paste.
func TestHTTPSIsServedToWhoTrustsTheCertificate(t *testing.T) {
	dir := t.TempDir()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listeners, at, ca, err := secure([]net.Listener{plain}, "http://"+plain.Addr().String(), dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.Open(t.Context(), server.Options{Dir: dir, URL: at, CA: ca, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listeners...) }()
	defer func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	ready, err := s.Ready(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	welcome(&said, ready, dir)
	_, lines, _ := strings.Cut(said.String(), "fate of one event:")
	lines, _, _ = strings.Cut(lines, "Ctrl-C")
	if got := paste(ctx, t, lines); !strings.Contains(got, `"success":true`) {
		t.Error(got)
	}
	trusted := x509.NewCertPool()
	text, err := os.ReadFile(ca)
	if err != nil || !trusted.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config *tls.Config
		ok     bool
	}{
		"who trusts it":             {&tls.Config{RootCAs: trusted}, true},
		"who does not":              {&tls.Config{}, false},
		"who knows TLS 1.1 at best": {&tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
	} {
		client := http.Client{Transport: &http.Transport{TLSClientConfig: c.config}}
		answer, err := client.Get(at + "/healthz")
		if err == nil {
			_ = answer.Body.Close()
		}
		if ok := err == nil; ok != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
