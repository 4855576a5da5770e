// Command lambda is the function reference as AWS runs it.
package main

import (
	"context"
	"sync"
	"time"

	"github.com/tarnhq/tarn/functions/audit"
	"github.com/tarnhq/tarn/functions/connectors"
	"github.com/tarnhq/tarn/functions/datasets"
	"github.com/tarnhq/tarn/functions/embeds"
	"github.com/tarnhq/tarn/functions/erasures"
	"github.com/tarnhq/tarn/functions/events"
	"github.com/tarnhq/tarn/functions/exports"
	"github.com/tarnhq/tarn/functions/files"
	"github.com/tarnhq/tarn/functions/ingest"
	"github.com/tarnhq/tarn/functions/jobs"
	"github.com/tarnhq/tarn/functions/keys"
	"github.com/tarnhq/tarn/functions/models"
	"github.com/tarnhq/tarn/functions/policies"
	"github.com/tarnhq/tarn/functions/queries"
	"github.com/tarnhq/tarn/functions/queries/cube"
	"github.com/tarnhq/tarn/functions/reference"
	"github.com/tarnhq/tarn/functions/schedules"
	"github.com/tarnhq/tarn/functions/users"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/serve"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	people := account.Directory(config.UserPool.Value(), config.Client.Value(), config.Domain.Value())
	deps := reference.Deps{Issuer: people.Issuer, Document: sync.OnceValues(document)}
	server := api.New(serve.Principal, time.Now, serve.Logger())
	reference.Register(server, deps)
	serve.HTTP(server)
}

// document describes the whole API: that of a server which has all endpoints and
// nothing behind them.
func document() ([]byte, error) {
	whole := api.New(serve.Principal, time.Now, serve.Logger())
	audit.Register(whole, audit.Deps{})
	datasets.Register(whole, datasets.Deps{})
	embeds.Register(whole, embeds.Deps{})
	erasures.Register(whole, erasures.Deps{})
	events.Register(whole, events.Deps{})
	exports.Register(whole, exports.Deps{})
	files.Register(whole, files.Deps{})
	connectors.Register(whole, connectors.Deps{})
	models.Register(whole, models.Deps{})
	schedules.Register(whole, schedules.Deps{})
	ingest.Register(whole, ingest.Deps{})
	jobs.Register(whole, jobs.Deps{})
	keys.Register(whole, keys.Deps{})
	policies.Register(whole, policies.Deps{})
	queries.Register(whole, queries.Deps{})
	cube.Register(whole, cube.Deps{})
	reference.Register(whole, reference.Deps{})
	users.Register(whole, users.Deps{})
	return whole.OpenAPI()
}
