package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	certificateLife = 397 * 24 * time.Hour // browsers refuse longer ones
	renewBefore     = 30 * 24 * time.Hour
)

// certificate returns the server's own certificate for a host, kept in the data folder
// and made anew before it ends or when it is not the host's. It signs itself: whoever
// calls is told the file to trust.
func certificate(dir, host string, now time.Time) (tls.Certificate, string, error) {
	file, keyFile := filepath.Join(dir, "tls", "certificate.pem"), filepath.Join(dir, "tls", "key.pem")
	kept, err := tls.LoadX509KeyPair(file, keyFile)
	if err == nil && now.Add(renewBefore).Before(kept.Leaf.NotAfter) && kept.Leaf.VerifyHostname(host) == nil {
		return kept, file, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return tls.Certificate{}, "", err
	}
	cert, key, err := selfSigned(host, now)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return tls.Certificate{}, "", err
	}
	if err := errors.Join(replace(keyFile, key), replace(file, cert)); err != nil {
		return tls.Certificate{}, "", err
	}
	made, err := tls.X509KeyPair(cert, key)
	return made, file, err
}

// replace writes a file that only its owner reads. The one before, if any, is not
// written over while somebody may read it.
func replace(path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func selfSigned(host string, now time.Time) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Tarn on " + host},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = append(template.IPAddresses, ip)
	} else if host != "localhost" {
		template.DNSNames = append(template.DNSNames, host)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, nil, err
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}), nil
}

// overTLS serves listeners by the certificate, at TLS 1.2 or better.
func overTLS(listeners []net.Listener, c tls.Certificate) []net.Listener {
	settings := &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	secure := make([]net.Listener, len(listeners))
	for i, l := range listeners {
		secure[i] = tls.NewListener(l, settings)
	}
	return secure
}
