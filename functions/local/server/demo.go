package server

import (
	"github.com/tarnhq/tarn/functions/local/demo"
	"github.com/tarnhq/tarn/shared/load"
)

// Demo is what loading the demo data needs of this server.
func (s *Server) Demo() demo.Deps {
	return demo.Deps{Tenant: Tenant, Catalog: s.catalog, Loader: load.Loader{Manifest: s.manifest}, Producer: s.producer}
}
