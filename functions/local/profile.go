package main

import (
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// serveProfiles serves what Go's pprof tool reads, on a port of the loopback address:
// profiles show what is in memory.
func serveProfiles(port string) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	h := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go h.Serve(l) // for as long as the process lives
	return nil
}
