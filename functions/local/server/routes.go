package server

import (
	"context"
	"net/http"
	"time"

	"github.com/tarnhq/tarn/console"
	auditing "github.com/tarnhq/tarn/functions/audit"
	"github.com/tarnhq/tarn/functions/connectors"
	datasets "github.com/tarnhq/tarn/functions/datasets"
	"github.com/tarnhq/tarn/functions/embeds"
	"github.com/tarnhq/tarn/functions/erasures"
	accounts "github.com/tarnhq/tarn/functions/events"
	"github.com/tarnhq/tarn/functions/exports"
	"github.com/tarnhq/tarn/functions/files"
	intake "github.com/tarnhq/tarn/functions/ingest"
	"github.com/tarnhq/tarn/functions/jobs"
	"github.com/tarnhq/tarn/functions/keys"
	"github.com/tarnhq/tarn/functions/models"
	"github.com/tarnhq/tarn/functions/policies"
	"github.com/tarnhq/tarn/functions/queries"
	"github.com/tarnhq/tarn/functions/queries/cube"
	"github.com/tarnhq/tarn/functions/reference"
	"github.com/tarnhq/tarn/functions/schedules"
	"github.com/tarnhq/tarn/functions/users"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/answer"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/erasure"
	"github.com/tarnhq/tarn/shared/export"
	"github.com/tarnhq/tarn/shared/fate"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/limit"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/people"
	"github.com/tarnhq/tarn/shared/quarantine"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/suppression"
	"github.com/tarnhq/tarn/shared/tenant"
)

// catalogMemory is how long a producer's request may see an old catalog entry.
const catalogMemory = time.Second

// cubePatience is how long one of Cube's clients waits before it asks again.
const cubePatience = 5 * time.Second

// routes mounts every endpoint of the route table, and what is beside the API.
func (s *Server) routes() http.Handler {
	a := api.New(s.auth.Identify, s.options.Now, s.options.Log)
	a.Audit(s.trail)
	a.Meter(s.meter)
	a.Web(s.options.Web)
	s.register(a)
	a.Mount("/oidc/", s.provider.Handler())
	a.Mount(embedded.BlobPath, s.store.Blob())
	page := console.Handler()
	for _, path := range console.Paths() {
		if path == "/" {
			path = "/{$}" // this address alone, not all that begin so
		}
		a.Mount("GET "+path, page)
	}
	return a
}

func (s *Server) register(a *api.Server) {
	remembered := &dataset.Cache{Catalog: s.catalog, MaxAge: catalogMemory}
	forget := func(_ context.Context, t tenant.ID, name dataset.Name) error {
		remembered.Forget(t, name)
		return nil
	}
	told := s.trail.Table()
	seen := gate.New(s.live, told, s.options.Now)
	a.Grants(seen.Rules.GrantedTo)
	names := saved.Store{Table: told, Now: s.options.Now}
	datasets.Register(a, datasets.Deps{Catalog: s.catalog, Gate: seen, Saved: names, Enricher: s.enricher, Forgotten: forget})
	intake.Register(a, intake.Deps{Authenticator: s.auth, Datasets: remembered, Producer: s.producer, Enricher: s.enricher, Now: s.options.Now})
	accounts.Register(a, accounts.Deps{Gate: seen, Table: s.manifest.Table, Segments: s.segments, Seal: s.live.SealAll,
		Finder: fate.Finder{Segments: s.segments, Stream: s.ingest.Stream, Suppressions: suppression.Store{Table: s.manifest.Table}}, Replayer: quarantine.Replayer{Manifest: manifest.Store{Table: told, Blobs: s.manifest.Blobs, Now: s.options.Now}, Segments: s.segments, Enricher: s.enricher, Ingest: s.ingest}})
	bounds := &limit.Store{Table: told, Now: s.options.Now, Meter: s.meter}
	questions := queries.Deps{SQL: s.statements(), Executor: answer.Executor{Gate: seen, Saved: names, Engine: s.answers, Cache: s.cache,
		Limits: bounds, Now: s.options.Now, Slow: slowQuery, Log: s.options.Log}}
	queries.Register(a, questions)
	cube.Register(a, cube.Deps{Deps: questions, Catalog: s.catalog, Patience: func() <-chan time.Time { return time.After(cubePatience) }})
	jobs.Register(a, jobs.Deps{Jobs: s.jobs, Now: s.options.Now, Poll: snapshot.Every(watchPoll),
		Results: map[job.Kind]jobs.Result{export.Kind: s.exports().View}})
	connectors.Register(a, connectors.Deps{Store: s.connectors(told), Drivers: s.drivers(), Jobs: s.jobs})
	embeds.Register(a, embeds.Deps{Gate: seen, Saved: names, Embeds: s.embeds})
	erasures.Register(a, erasures.Deps{Catalog: s.catalog, Jobs: s.jobs, Finder: erasure.Finder{Segments: s.segments, Salts: s.salts},
		Orders: erasure.Orders{Gate: seen, Suppressions: suppression.Store{Table: s.manifest.Table}, Salts: s.salts}})
	files.Register(a, files.Deps{Catalog: s.catalog, Gate: seen, Files: s.files(told), Jobs: s.jobs, Now: s.options.Now,
		Loading: s.loading(manifest.Store{Table: told, Blobs: s.manifest.Blobs, Now: s.options.Now})})
	exports.Register(a, exports.Deps{Orders: export.Orders{Gate: seen, Saved: names, Limits: bounds}, Jobs: s.jobs})
	models.Register(a, s.models(seen, told))
	schedules.Register(a, schedules.Deps{Scheduler: s.newScheduler(seen, bounds), Now: s.options.Now})
	keys.Register(a, keys.Deps{Keys: s.keys, Usage: s.usage, Clients: s.clients})
	users.Register(a, users.Deps{People: people.People{Directory: s.provider, Standings: access.People{Table: s.manifest.Table, Now: s.options.Now}}})
	policies.Register(a, policies.Deps{Rules: seen.Rules, Saved: names})
	auditing.Register(a, auditing.Deps{Log: s.trail})
	reference.Register(a, reference.Deps{Issuer: s.provider.Issuer, Document: a.OpenAPI})
}

// Document returns the OpenAPI document of all endpoints, without a server.
func Document() ([]byte, error) {
	a := api.New(nil, time.Now, nil)
	(&Server{options: Options{Now: time.Now}, trail: audit.New(nil, time.Now, nil)}).register(a)
	return a.OpenAPI()
}
