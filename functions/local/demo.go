package main

import (
	"context"

	"github.com/tarnhq/tarn/functions/local/server"
)

func loadDemo(context.Context, *server.Server) error { return nil }
