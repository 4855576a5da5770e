// Command local runs the whole of Tarn in one process: every handler and consumer
// over the embedded adapters. Settings are PORT, HOST, DATA_DIR, DROP_DIR, KEY_FILE, DEMO, TLS,
// ALLOW_ORIGINS, ALLOW_NETWORKS, PROVIDERS and FEEDS.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/tarnhq/tarn/functions/local/server"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/outbound"
	"github.com/tarnhq/tarn/shared/sqlrun"
)

func main() {
	if sqlrun.IsChild(os.Args) {
		os.Exit(sqlrun.Child(os.Args))
	}
	document := flag.Bool("openapi", false, "print the OpenAPI document and exit")
	profiles := flag.String("pprof", "", "serve profiles on this port of the loopback address")
	named := flag.String("secret", "", "store a secret of this name, which is read from the standard input, and exit")
	rotate := flag.Bool("rotate-key", false, "seal the secrets under a new key and exit")
	flag.Parse()
	if *profiles != "" {
		if err := serveProfiles(*profiles); err != nil {
			fmt.Fprintln(os.Stderr, "tarnd:", err)
			os.Exit(1)
		}
	}
	run := serve
	switch {
	case *document:
		run = printDocument
	case *named != "":
		run = func() error { return storeSecret(*named, os.Stdin) }
	case *rotate:
		run = rotateKey
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "tarnd:", err)
		os.Exit(1)
	}
}

func printDocument() error {
	text, err := server.Document()
	if err == nil {
		_, err = os.Stdout.Write(append(text, '\n'))
	}
	return err
}

func serve() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := filepath.Abs(config.DataDir.Or(".data"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	listeners, at, err := listen(config.Host.Or(""), config.Port.Or("8080"))
	if err != nil {
		return err
	}
	ca := ""
	if config.TLS.Or("0") == "1" {
		if listeners, at, ca, err = secure(listeners, at, dir); err != nil {
			return err
		}
	}
	web, err := api.NewWeb(config.AllowOrigins.Or(""), at)
	if err != nil {
		return fmt.Errorf("%s: %w", config.AllowOrigins, err)
	}
	log, closeLog, err := openLog(filepath.Join(dir, "server.log"))
	if err != nil {
		return err
	}
	defer closeLog()
	program, err := os.Executable()
	if err != nil {
		return err
	}
	networks, err := outbound.ParseNetworks(config.AllowNetworks.Or(""))
	if err != nil {
		return err
	}
	others, err := providers(config.Providers.Or(""))
	if err != nil {
		return fmt.Errorf("%s: %w", config.Providers, err)
	}
	streams, err := feeds(config.LocalFeeds.Or(""))
	if err != nil {
		return fmt.Errorf("%s: %w", config.LocalFeeds, err)
	}
	s, err := server.Open(ctx, server.Options{Dir: dir, URL: at, Log: log, Program: program, Web: web, CA: ca,
		Networks: networks, Others: others, Feeds: streams, KeyFile: config.KeyFile.Or(""), DropDir: config.DropDir.Or("")})
	if err != nil {
		return err
	}
	defer func() {
		fmt.Println("\nTarn seals what is in memory and stops …")
		if err := s.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "tarnd:", err)
		}
	}()
	return present(ctx, s, dir, listeners)
}

// secure serves the listeners over TLS, and returns where and the certificate to trust.
func secure(listeners []net.Listener, at, dir string) ([]net.Listener, string, string, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, "", "", err
	}
	c, file, err := certificate(dir, u.Hostname(), time.Now())
	if err != nil {
		return nil, "", "", err
	}
	u.Scheme = "https"
	return overTLS(listeners, c), u.String(), file, nil
}

// present serves, and says how to get in.
func present(ctx context.Context, s *server.Server, dir string, listeners []net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listeners...) }()
	ready, err := s.Ready(ctx)
	if err != nil {
		return err
	}
	if config.Demo.Or("1") != "0" {
		if err := loadDemo(ctx, s); err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "tarnd: the demo data could not be loaded:", err)
		}
	}
	if ctx.Err() == nil {
		welcome(os.Stdout, ready, dir)
	}
	return <-served
}

// listen opens the port on the loopback addresses, or on the host that is set.
func listen(host, port string) ([]net.Listener, string, error) {
	name := host
	if host == "" {
		host, name = "127.0.0.1", "localhost"
	}
	first, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, "", fmt.Errorf("%w: is another server running? Choose a port with PORT=…", err)
	}
	_, port, err = net.SplitHostPort(first.Addr().String())
	if err != nil {
		return nil, "", err
	}
	listeners := []net.Listener{first}
	if name == "localhost" {
		if second, err := net.Listen("tcp6", net.JoinHostPort("::1", port)); err == nil { // where there is IPv6
			listeners = append(listeners, second)
		}
	}
	if name == "0.0.0.0" || name == "::" {
		name = "localhost"
	}
	return listeners, "http://" + net.JoinHostPort(name, port), nil
}
