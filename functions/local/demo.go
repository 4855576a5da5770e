package main

import (
	"context"
	"os"

	"github.com/tarnhq/tarn/functions/local/demo"
	"github.com/tarnhq/tarn/functions/local/server"
)

// demoFolder is where npm puts the demo's data; the Makefile starts the server
// beside it.
const demoFolder = "node_modules/vega-datasets"

func loadDemo(ctx context.Context, s *server.Server) error {
	return demo.Load(ctx, s.Demo(), demoFolder, os.Stdout)
}
