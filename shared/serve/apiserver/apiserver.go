// Package apiserver makes the server of a function in AWS that serves routes.
package apiserver

import (
	"crypto/rand"
	"time"

	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/quota"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/table"
)

// Server is an api.Server with what those of all functions share. Endpoints are
// registered at it, and serve.HTTP serves it.
type Server struct {
	*api.Server
	Trail *audit.Store // its Table is for stores of what people change
	Meter *quota.Meter
	Rules *gate.Store
}

// New returns a server whose audit log, limits and grants are in a table.
func New(t table.Table) Server {
	log := serve.Logger()
	s := Server{Server: api.New(serve.Principal, time.Now, log), Trail: audit.New(t, time.Now, log), Meter: quota.NewMeter(t, time.Now, true)}
	s.Rules = &gate.Store{Table: s.Trail.Table(), Random: rand.Reader, Now: time.Now}
	s.Server.Audit(s.Trail)
	s.Server.Meter(s.Meter)
	s.Server.Grants(s.Rules.GrantedTo)
	return s
}

// Gate opens datasets by the server's rules.
func (s Server) Gate(source snapshot.Source) gate.Gate {
	return gate.Gate{Source: source, Rules: s.Rules, Now: time.Now}
}
