package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	mrand "math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	auditing "github.com/tarnhq/tarn/functions/audit"
	"github.com/tarnhq/tarn/functions/connectors"
	"github.com/tarnhq/tarn/functions/datasets"
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
	"github.com/tarnhq/tarn/functions/scheduler"
	"github.com/tarnhq/tarn/functions/schedules"
	"github.com/tarnhq/tarn/functions/users"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/alarm"
	"github.com/tarnhq/tarn/shared/answer"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/engine/duck/ducktest"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/erasure"
	"github.com/tarnhq/tarn/shared/export"
	"github.com/tarnhq/tarn/shared/fate"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/file"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/limit"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/model"
	persons "github.com/tarnhq/tarn/shared/people"
	"github.com/tarnhq/tarn/shared/quarantine"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/sqlgate"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/suppression"
	"github.com/tarnhq/tarn/shared/tail"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

// dependent is every handler, and the ingestor as AWS runs it, over ports that come
// and go.
type dependent struct {
	world
	outages  map[string]*outage // by port
	stream   stream.Stream
	live     *tail.Live
	accepted *ingest.Accepted
	folded   map[stream.ShardID]stream.Sequence // as far as the event source delivered with success
	jobs     job.Jobs
	catalog  dataset.Catalog
	files    file.Store
	issuer   access.Keys
	trail    *audit.Store
	people   fake.Directory
	slept    time.Duration // by the producer, in the request at hand
}

func newDependent(t *testing.T) *dependent {
	t.Helper()
	d := &dependent{outages: map[string]*outage{"table": {}, "blobs": {}, "stream": {}, "secrets": {}}, folded: map[stream.ShardID]stream.Sequence{}}
	tbl := frailTable{&fake.Table{Now: time.Now}, d.outages["table"]}
	blobs := frailBlobs{&fake.Blobs{Now: time.Now}, d.outages["blobs"]}
	d.stream = frailStream{fake.NewStream(2), d.outages["stream"]}
	d.trail = audit.New(tbl, time.Now, slog.New(slog.NewTextHandler(io.Discard, nil)))
	told := d.trail.Table()
	catalog, store := dataset.Catalog{Table: told, Now: time.Now}, manifest.Store{Table: tbl, Blobs: blobs, Now: time.Now}
	segments := segment.NewCache(blobs, 1<<20)
	d.live = &tail.Live{Catalog: catalog, Manifest: store, Segments: segments, Blobs: blobs, Now: time.Now}
	d.accepted = &ingest.Accepted{Table: tbl, Producer: 1, Now: time.Now}
	options := ingest.Options{ID: 1, Stream: d.stream, Buckets: 4, Accepted: d.accepted,
		Now: func() time.Time { return time.Now().Add(d.slept) }, Sleep: func(_ context.Context, t time.Duration) { d.slept += t }}
	issuer := access.Keys{Table: told, Now: time.Now, Random: rand.Reader}
	auth := &access.Authenticator{Keys: issuer}
	s := api.New(auth.Identify, time.Now, slog.New(slog.NewTextHandler(io.Discard, nil)))
	s.Audit(d.trail)
	names, seen := saved.Store{Table: told, Now: time.Now}, gate.New(d.live, told, time.Now)
	secrets := frailSecrets{&fake.Secrets{}, d.outages["secrets"]}
	salts := &fieldrule.Salts{Secrets: secrets}
	enricher := enrich.New(salts, tbl, blobs, time.Now)
	datasets.Register(s, datasets.Deps{Catalog: catalog, Gate: seen, Saved: names, Enricher: enricher})
	intake.Register(s, intake.Deps{Authenticator: auth, Datasets: &dataset.Cache{Catalog: catalog}, Producer: ingest.NewProducer(options), Enricher: enricher, Now: time.Now})
	accounts.Register(s, accounts.Deps{Gate: seen, Table: tbl, Segments: segments, Finder: fate.Finder{Segments: segments, Stream: d.stream, Suppressions: suppression.Store{Table: tbl}},
		Replayer: quarantine.Replayer{Manifest: manifest.Store{Table: told, Blobs: blobs, Now: time.Now}, Segments: segments, Enricher: enricher, Ingest: options}})
	questions := queries.Deps{Executor: answer.Executor{Gate: seen, Saved: names, Engine: ducktest.Open(t, blobs, duck.Config{}), Limits: &limit.Store{Table: told, Now: time.Now}, Now: time.Now}, SQL: newRunner(t, blobs)}
	queries.Register(s, questions)
	cube.Register(s, cube.Deps{Deps: questions, Catalog: catalog})
	keys.Register(s, keys.Deps{Keys: issuer, Usage: &access.Usage{Table: tbl, Now: time.Now}, Clients: &access.Clients{Keys: issuer, Secrets: frailSecrets{&fake.Secrets{}, d.outages["secrets"]}}})
	users.Register(s, users.Deps{People: persons.People{Directory: &d.people, Standings: access.People{Table: tbl, Now: time.Now}}})
	policies.Register(s, policies.Deps{Rules: seen.Rules, Saved: names})
	s.Grants(seen.Rules.GrantedTo)
	auditing.Register(s, auditing.Deps{Log: d.trail})
	d.jobs = job.Jobs{Table: told, Queue: &fake.Queue{Now: time.Now, Tries: 5}, Now: time.Now}
	jobs.Register(s, jobs.Deps{Jobs: d.jobs, Now: time.Now, Poll: func(context.Context) error { return context.DeadlineExceeded }})
	embeds.Register(s, embeds.Deps{Gate: seen, Saved: names, Embeds: &access.Embeds{Secrets: secrets, Now: time.Now, Random: rand.Reader}})
	erasures.Register(s, erasures.Deps{Catalog: dataset.Catalog{Table: tbl, Now: time.Now}, Jobs: d.jobs, Finder: erasure.Finder{Segments: segments, Salts: salts},
		Orders: erasure.Orders{Gate: seen, Suppressions: suppression.Store{Table: tbl}, Salts: salts}})
	connectors.Register(s, connectors.Deps{Store: connector.Store{Table: told, Secrets: secrets, Now: time.Now}, Jobs: d.jobs,
		Drivers: connector.Drivers{"postgres": emptyDriver{}}})
	models.Register(s, models.Deps{Models: model.Store{Table: told, Now: time.Now}, Gate: seen, SQL: quotedReader{}, Jobs: d.jobs, Now: time.Now})
	schedules.Register(s, schedules.Deps{Now: time.Now, Scheduler: scheduler.New(scheduler.Deps{Table: told, Queue: d.jobs.Queue, Directory: &d.people, Gate: seen, Now: time.Now,
		Log: slog.New(slog.DiscardHandler), Alarm: &embedded.Alarms{Now: time.Now, Ring: func(alarm.Call) {}}})})
	exports.Register(s, exports.Deps{Orders: export.Orders{Gate: seen, Saved: names}, Jobs: d.jobs})
	d.catalog, d.files = catalog, file.Store{Table: told, Blobs: blobs, Now: time.Now}
	files.Register(s, files.Deps{Catalog: catalog, Gate: seen, Files: d.files, Jobs: d.jobs, Now: time.Now,
		Loading: file.Loading{Loader: load.Loader{Manifest: manifest.Store{Table: told, Blobs: blobs, Now: time.Now}}, Ingest: options, Enricher: enricher}})
	_, secret, err := issuer.Create(t.Context(), "main", access.KeySpec{Name: "owner", Role: access.Owner})
	if err != nil {
		t.Fatal(err)
	}
	d.issuer = issuer
	d.world = world{Handler: s, keys: map[access.Role]string{access.Owner: secret}}
	return d
}

// keyOf makes a key of any tenant.
func (d *dependent) keyOf(t *testing.T, owner tenant.ID, role access.Role) string {
	t.Helper()
	_, secret, err := d.issuer.Create(t.Context(), owner, access.KeySpec{Name: "k", Role: role})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// request sends one as the owner.
func (d *dependent) request(method, target, body string) (status int, retryAfter string, text []byte) {
	d.slept = 0
	out := d.ask(method, target, d.keys[access.Owner], []byte(body), nil)
	return out.Code, out.Header().Get("Retry-After"), out.Body.Bytes()
}

// deliver gives the ingestor what is new in each shard. What fails is delivered again.
func (d *dependent) deliver(ctx context.Context) {
	shards, err := d.stream.Shards(ctx)
	if err != nil {
		return
	}
	for _, shard := range shards {
		records, _, err := d.stream.Read(ctx, shard.ID, d.folded[shard.ID], 1000, 0)
		if err != nil || len(records) == 0 {
			continue
		}
		n, err := d.live.Fold(ctx, shard, records)
		if _, failed := d.live.SealNow(ctx, shard.ID); failed == nil && err == nil && n == len(records) {
			d.folded[shard.ID] = records[n-1].Sequence
		} else {
			d.live.Forget(shard.ID)
		}
	}
}

const cubeQuery = `{"query":{"measures":["web.count"]}}`

// connectorBody makes a connector of one table.
func connectorBody(name string) string {
	return `{"name":"` + name + `","kind":"postgres","dsn":"postgres://u:p@example.com/d","tables":[{"table":"t","dataset":"of_` + name + `"}]}`
}

// empty is a source that answers, and has nothing.
type empty struct{ connector.Source }

func (empty) Check(context.Context) error                            { return nil }
func (empty) Discover(context.Context) ([]connector.Relation, error) { return nil, nil }
func (empty) Close()                                                 {}

// emptyDriver reaches it.
type emptyDriver struct{}

func (emptyDriver) Check(connector.Config) error { return nil }
func (emptyDriver) Open(context.Context, connector.Config) (connector.Source, error) {
	return empty{}, nil
}

// quotedReader takes what is quoted in SQL for the datasets that it reads.
type quotedReader struct{}

func (quotedReader) Read(_ context.Context, text string) (q sqlgate.Query, err error) {
	for _, m := range regexp.MustCompile(`"([a-z]+)"`).FindAllStringSubmatch(text, -1) {
		q.Datasets = append(q.Datasets, dataset.Name(m[1]))
	}
	return q, nil
}

// healthy are requests that succeed when every dependency is up.
var healthy = map[string]struct{ target, body string }{
	"createDataset":    {"/v1/datasets", `{"name":"fresh","kind":"events"}`},
	"listDatasets":     {"/v1/datasets", ""},
	"getDataset":       {"/v1/datasets/web", ""},
	"updateDataset":    {"/v1/datasets/web", `{"settings":{"description":"x"}}`},
	"deleteDataset":    {"/v1/datasets/doomed", ""},
	"listDefinitions":  {"/v1/datasets/web/definitions", ""},
	"getDefinition":    {"/v1/datasets/web/definitions/views", ""},
	"putDefinition":    {"/v1/datasets/web/definitions/visitors", `{"measure":{"op":"count_distinct","column":"user_id"}}`},
	"deleteDefinition": {"/v1/datasets/web/definitions/doomed", ""},
	"getEnrichment":    {"/v1/datasets/web/enrichment", ""},
	"listEnrichments":  {"/v1/datasets/web/enrichment/versions", ""},
	"putEnrichment":    {"/v1/datasets/web/enrichment", `{"from_version":1,"steps":[{"drop":{"field":"fresh"}}]}`},
	"getSaved":         {"/v1/saved/views", ""},
	"sendEvents":       {"/v1/datasets/web/events", `[{"event":"x"}]`},
	"tinybirdEvents":   {"/v0/events?name=web&wait=true", `{"a":1}`},
	"sendCloudEvents":  {"/v1/cloudevents", `{"specversion":"1.0","id":"1","source":"s","type":"t"}`},
	"exportLogs":       {"/v1/logs", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}`},
	"exportMetrics":    {"/v1/metrics", `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{}]}}]}]}]}`},
	"exportTraces":     {"/v1/traces", `{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}`},
	"remoteWrite":      {"/api/v1/write", "\x0a\x0f\x0a\x00\x12\x0b\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x10\x01"},
	"umamiSend":        {"/api/send", `{"type":"event","payload":{"website":"w"}}`},
	"umamiBatch":       {"/api/batch", `[{"type":"event","payload":{"website":"w"}}]`},
	"plausibleEvent":   {"/api/event", `{"name":"pageview","url":"https://a.example/","domain":"a.example"}`},
	"snowplowPixel":    {"/i?e=pv&eid=1", ""},
	"snowplowEvents":   {"/com.snowplowanalytics.snowplow/tp2", `{"data":[{"e":"pv"}]}`},
	"getEvent":         {"/v1/datasets/web/events?id=e1", ""},
	"listQuarantine":   {"/v1/datasets/web/quarantine", ""},
	"replayQuarantine": {"/v1/datasets/web/quarantine/replay", ""},
	"getLedger":        {"/v1/datasets/web/ledger", ""},
	"runQuery":         {"/v1/query", `{"dataset":"web","measures":["count"]}`},
	"listValues":       {"/v1/datasets/web/values?column=event", ""},
	"runSQL":           {"/v1/sql", `{"sql":"select count(event_id) from web"}`},
	"cubeLoad":         {"/cubejs-api/v1/load", cubeQuery},
	"cubeLoadGet":      {"/cubejs-api/v1/load?query=%7B%22measures%22%3A%5B%22web.count%22%5D%7D", ""},
	"cubeDryRun":       {"/cubejs-api/v1/dry-run", cubeQuery},
	"cubeDryRunGet":    {"/cubejs-api/v1/dry-run?query=%7B%22measures%22%3A%5B%22web.count%22%5D%7D", ""},
	"cubeSQL":          {"/cubejs-api/v1/sql", cubeQuery},
	"cubeSQLGet":       {"/cubejs-api/v1/sql?query=%7B%22measures%22%3A%5B%22web.count%22%5D%7D", ""},
	"cubeMeta":         {"/cubejs-api/v1/meta", ""},
	"cubeStatement":    {"/cubejs-api/v1/cubesql", `{"query":"select count(event_id) from web"}`},
	"getLimits":        {"/v1/limits", ""},
	"setLimits":        {"/v1/limits", `{"rows":1000000}`},
	"createEmbedToken": {"/v1/embed-tokens", `{"saved":"views","filters":[{"column":"event","op":"=","value":"x"}]}`},
	"createConnector":  {"/v1/connectors", connectorBody("fresh")},
	"listConnectors":   {"/v1/connectors", ""},
	"getConnector":     {"/v1/connectors/web", ""},
	"updateConnector":  {"/v1/connectors/web", `{"dsn":"postgres://u:p@example.com/d"}`},
	"deleteConnector":  {"/v1/connectors/doomed", ""},
	"testConnector":    {"/v1/connectors/web/test", ""},
	"listSourceTables": {"/v1/connectors/web/tables", ""},
	"discoverTables":   {"/v1/source-tables", `{"kind":"postgres","dsn":"postgres://u:p@example.com/d"}`},
	"syncConnector":    {"/v1/connectors/web/sync", ""},
	"createErasure":    {"/v1/erasures", `{"subject":"somebody"}`},
	"getSubject":       {"/v1/subjects/somebody", ""},
	"createFile":       {"/v1/datasets/web/files", `{"name":"orders.csv"}`},
	"listFiles":        {"/v1/datasets/web/files", ""},
	"getFile":          {"/v1/datasets/web/files/", ""}, // the id is made
	"changeFile":       {"/v1/datasets/web/files/", `{"mode":"append"}`},
	"deleteFile":       {"/v1/datasets/web/files/", ""},
	"listUploads":      {"/v1/datasets/web/files/", ""},
	"previewFile":      {"/v1/datasets/web/files/", ""},
	"loadFile":         {"/v1/datasets/web/files/", ""},
	"loadRows":         {"/v1/datasets/web/rows", `[{"event":"x"}]`},
	"createExport":     {"/v1/exports", `{"dataset":"web","format":"csv"}`},
	"createSchedule":   {"/v1/schedules", `{"name":"fresh","cron":"@daily","job":{"kind":"export","request":{"dataset":"web","format":"csv"}}}`},
	"getModels":        {"/v1/models", ""},
	"putModels":        {"/v1/models", `{"files":{"daily.sql":"select event, count(*) as n from {{ source('web') }} group by 1"},"from_version":1}`},
	"runModels":        {"/v1/model-runs", `{}`},
	"tryModels":        {"/v1/model-dry-runs", `{"files":{"daily.sql":"select event, count(*) as n from {{ source('web') }} group by 1"}}`},
	"listSchedules":    {"/v1/schedules", ""},
	"getSchedule":      {"/v1/schedules/nightly", ""},
	"changeSchedule":   {"/v1/schedules/nightly", `{"paused":true}`},
	"deleteSchedule":   {"/v1/schedules/doomed", ""},
	"previewSchedule":  {"/v1/next-runs", `{"cron":"30 2 * * *","zone":"Europe/Zurich"}`},
	"runSchedule":      {"/v1/schedules/nightly/run", ""},
	"listJobs":         {"/v1/jobs", ""},
	"getJob":           {"/v1/jobs/", ""}, // the id is made
	"watchJob":         {"/v1/jobs/", ""},
	"getJobLog":        {"/v1/jobs/", ""},
	"cancelJob":        {"/v1/jobs/", ""},
	"retryJob":         {"/v1/jobs/", ""},
	"createKey":        {"/v1/keys", `{"name":"k","role":"viewer"}`},
	"listKeys":         {"/v1/keys", ""},
	"rotateKey":        {"/v1/keys/", ""}, // the id is made
	"revokeKey":        {"/v1/keys/", ""}, // the id is made
	"createRowFilter":  {"/v1/row-filters", `{"dataset":"web","roles":["viewer"],"filter":{"column":"event","op":"=","value":"x"}}`},
	"listRowFilters":   {"/v1/row-filters", ""},
	"deleteRowFilter":  {"/v1/row-filters/", ""}, // the id is made
	"createMask":       {"/v1/masks", `{"dataset":"web","roles":["viewer"],"column":"email","mask":"hide"}`},
	"createGrant":      {"/v1/grants", `{"dataset":"web","role":"editor","to":{"groups":["sales"]}}`},
	"listGrants":       {"/v1/grants", ""},
	"deleteGrant":      {"/v1/grants/", ""}, // the id is made
	"listMasks":        {"/v1/masks", ""},
	"listAudit":        {"/v1/audit?action=dataset:create", ""},
	"exportAudit":      {"/v1/audit/export?format=csv", ""},
	"verifyAudit":      {"/v1/audit/verify", ""},
	"deleteMask":       {"/v1/masks/", ""}, // the id is made
	"inviteUser":       {"/v1/users", `{"email":"new@example.com"}`},
	"listUsers":        {"/v1/users", ""},
	"changeUser":       {"/v1/users/", `{"groups":["viewer"]}`}, // the id is made
	"removeUser":       {"/v1/users/", ""},
	"signOutUser":      {"/v1/users/", ""},
	"resetUser":        {"/v1/users/", ""},
	"getSelf":          {"/v1/me", ""},
	"createToken":      {"/v1/token", "grant_type=client_credentials"},

	"previewEnrichment": {"/v1/datasets/web/enrichment/preview", `{"steps":[],"events":[{"event":"x"}]}`},
}

func TestAnUnreachableDependencyIsToldAsOne(t *testing.T) {
	t.Parallel()
	for _, port := range []string{"none", "table", "blobs", "stream", "secrets"} {
		t.Run(port, func(t *testing.T) {
			d := newDependent(t)
			requests := d.prepare(t)
			if port != "none" {
				d.outages[port].set(down)
			}
			failed := 0
			for _, r := range route.All {
				if r.Function == "reference" {
					continue
				}
				request := requests[r.ID]
				status, retryAfter, body := d.request(r.Method, request.target, request.body)
				switch {
				case status == r.Status:
				case status == http.StatusServiceUnavailable && retryAfter != "" && port != "none":
					failed++
				default:
					t.Errorf("%s without %s: %d, Retry-After %q, %s", r.ID, port, status, retryAfter, body)
				}
			}
			if (failed > 0) != (port != "none") {
				t.Errorf("%d requests failed without %s", failed, port)
			}
		})
	}
}

// prepare makes what healthy requests concern, with every kind of segment, and
// leaves no cache that could answer for a port that is gone.
func (d *dependent) prepare(t *testing.T) map[string]struct{ target, body string } {
	t.Helper()
	create(t, &d.world, "web")
	create(t, &d.world, "doomed")
	for range 2 {
		if status, _, body := d.request(http.MethodPost, "/v1/datasets/web/events", `[{"event":"x","event_id":"e1","time":"2026-01-01T00:00:00Z"},{"event_id":"bad"}]`); status != http.StatusOK {
			t.Fatal(status, body)
		}
		d.deliver(t.Context())
	}
	for _, name := range []string{"views", "doomed"} {
		if status, _, body := d.request(http.MethodPut, "/v1/datasets/web/definitions/"+name, `{"query":{"measures":["count"]}}`); status != http.StatusOK {
			t.Fatal(status, string(body))
		}
	}
	if status, _, body := d.request(http.MethodPut, "/v1/datasets/web/enrichment", `{"from_version":0,"steps":[]}`); status != http.StatusOK {
		t.Fatal(status, string(body))
	}
	for _, name := range []string{"web", "doomed"} {
		if status, _, body := d.request(http.MethodPost, "/v1/connectors", connectorBody(name)); status != http.StatusCreated {
			t.Fatal(status, string(body))
		}
	}
	for _, name := range []string{"nightly", "doomed"} {
		if status, _, body := d.request(http.MethodPost, "/v1/schedules", strings.Replace(healthy["createSchedule"].body, "fresh", name, 1)); status != http.StatusCreated {
			t.Fatal(status, string(body))
		}
	}
	if status, _, body := d.request(http.MethodPut, "/v1/models", strings.Replace(healthy["putModels"].body, `"from_version":1`, `"from_version":0`, 1)); status != http.StatusOK {
		t.Fatal(status, string(body))
	}
	made := map[string]string{
		route.RotateKey.ID:       d.make(t, route.CreateKey.ID) + "/rotate",
		route.RevokeKey.ID:       d.make(t, route.CreateKey.ID),
		route.DeleteRowFilter.ID: d.make(t, route.CreateRowFilter.ID),
		route.DeleteMask.ID:      d.make(t, route.CreateMask.ID),
		route.DeleteGrant.ID:     d.make(t, route.CreateGrant.ID),
	}
	requests := map[string]struct{ target, body string }{}
	for id, request := range healthy {
		request.target += made[id]
		if request.target == "/v1/users/" {
			request.target = strings.Replace(pathOf(id), "{user}", d.newUser(t, id), 1)
		}
		if request.target == "/v1/jobs/" {
			request.target = strings.Replace(pathOf(id), "{job_id}", d.newJob(t), 1)
		}
		if request.target == "/v1/datasets/web/files/" {
			request.target = strings.NewReplacer("{dataset}", "web", "{file}", d.newFile(t)).Replace(pathOf(id))
		}
		requests[id] = request
	}
	for _, r := range slices.Concat(route.PostHogCapture, []route.Route{route.PostHogEvents}, route.PostHogFlags) {
		requests[r.ID] = struct{ target, body string }{r.Path, `{"batch":[{"event":"x"}]}`}
	}
	for _, r := range route.Track {
		requests[r.ID] = struct{ target, body string }{r.Path, `{"event":"x","userId":"u","batch":[{"type":"track","event":"x","userId":"u"}]}`}
	}
	return requests
}

// make sends the healthy request of a route, and returns the id of what it made.
func (d *dependent) make(t *testing.T, id string) string {
	t.Helper()
	_, _, body := d.request(http.MethodPost, healthy[id].target, healthy[id].body)
	var made struct{ ID string }
	if err := json.Unmarshal(body, &made); err != nil || made.ID == "" {
		t.Fatal(string(body), err)
	}
	return made.ID
}

func pathOf(id string) string {
	return route.All[slices.IndexFunc(route.All, func(r route.Route) bool { return r.ID == id })].Path
}

func (d *dependent) newUser(t *testing.T, name string) string {
	t.Helper()
	user, _, err := d.people.Invite(t.Context(), name+"@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	return user.ID
}

// newFile makes an uploaded file.
func (d *dependent) newFile(t *testing.T) string {
	t.Helper()
	into, err := d.catalog.Get(t.Context(), "main", "web")
	if err != nil {
		t.Fatal(err)
	}
	f, err := d.files.Create(t.Context(), "main", into, file.Spec{Name: "orders.csv"}, file.Extent{}, "somebody")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.files.Blobs.Put(t.Context(), segment.Prefix("main", into.ID)+file.Folder+"/"+string(f.ID), []byte("event\nx\n")); err != nil {
		t.Fatal(err)
	}
	return string(f.ID)
}

// newJob makes a job that nobody does.
func (d *dependent) newJob(t *testing.T) string {
	t.Helper()
	j, err := d.jobs.Submit(t.Context(), "main", job.Spec{Kind: "test", Request: []byte(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	return string(j.ID)
}

// TestNothingAcknowledgedIsLostWhileDependenciesComeAndGo sends while ports fail,
// some of them after they wrote. What was answered with 200 counts once, and what
// was answered with 503 and sent again too.
func TestNothingAcknowledgedIsLostWhileDependenciesComeAndGo(t *testing.T) {
	t.Parallel()
	refused := 0
	for seed := range uint64(40) {
		d, rng := newDependent(t), mrand.New(mrand.NewPCG(seed, 1))
		create(t, &d.world, "web")
		var waiting []int
		for n := range 60 {
			for _, o := range d.outages {
				o.set(state(max(0, rng.IntN(9)-6))) // up, most of the time
			}
			if waiting = append(waiting, n); d.send(t, waiting) {
				waiting = nil
			} else {
				refused++
			}
			if rng.IntN(3) == 0 {
				d.deliver(t.Context())
			}
			if rng.IntN(5) == 0 {
				_ = d.accepted.Flush(t.Context()) // tried again later
			}
		}
		for _, o := range d.outages {
			o.set(up)
		}
		if len(waiting) > 0 && !d.send(t, waiting) {
			t.Fatal("every dependency is up, and a batch is refused")
		}
		d.deliver(t.Context())
		if err := d.accepted.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.check(t, 60)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if refused < 40 {
		t.Errorf("only %d batches were refused: this proves little", refused)
	}
}

// send sends a batch and reports whether it was acknowledged.
func (d *dependent) send(t *testing.T, batch []int) bool {
	t.Helper()
	var events []map[string]any
	for _, n := range batch {
		events = append(events, map[string]any{"event": "x", "event_id": fmt.Sprint("e", n), "time": time.Date(2026, 1, 1, n, 0, 0, 0, time.UTC), "properties": map[string]int{"n": n}})
	}
	text, err := json.Marshal(events)
	if err != nil {
		t.Fatal(err)
	}
	status, retryAfter, body := d.request(http.MethodPost, "/v1/datasets/web/events", string(text))
	if status != http.StatusOK && (status != http.StatusServiceUnavailable || retryAfter == "") {
		t.Fatalf("%d, Retry-After %q, %s", status, retryAfter, body)
	}
	return status == http.StatusOK
}

// check compares what a query sees with the events that were acknowledged.
func (d *dependent) check(t *testing.T, events int) {
	t.Helper()
	status, _, text := d.request(http.MethodPost, "/v1/query", `{"dataset":"web","measures":["count"],"dimensions":["event_id"]}`)
	var answer struct {
		Rows [][]any `json:"rows"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || status != http.StatusOK {
		t.Fatal(status, err)
	}
	for _, row := range answer.Rows {
		if row[1] != 1.0 {
			t.Errorf("event %v has %v rows", row[0], row[1])
		}
	}
	if len(answer.Rows) != events {
		t.Errorf("%d events of %d are there", len(answer.Rows), events)
	}
	var l struct{ Accepted, Stored, Duplicate, Quarantined, Pending, Visible int64 }
	read(t, &d.world, "/v1/datasets/web/ledger", &l)
	if l.Pending != 0 || l.Accepted != l.Stored+l.Duplicate || l.Visible != int64(events) {
		t.Errorf("the ledger has %+v", l)
	}
}
