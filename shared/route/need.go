package route

import (
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fieldrule"
)

// Need is something that a function must be granted. A function's policy is the
// union of what its row in Functions lists: nothing else is granted.
type Need string

// The needs. A secret's ends with its name. "Read" of a table includes listing it, and "write" does not include
// deleting; all items live in one table whose partitions begin with the word that the
// need names.
const (
	ReadCatalog       Need = "catalog:read"
	WriteCatalog      Need = "catalog:write"
	DeleteCatalog     Need = "catalog:delete"
	ReadManifest      Need = "manifest:read" // the log of versions, marks and snapshots of it
	WriteManifest     Need = "manifest:write"
	DeleteManifest    Need = "manifest:delete"
	ReadDefinitions   Need = "definitions:read"
	WriteDefinitions  Need = "definitions:write"
	DeleteDefinitions Need = "definitions:delete"
	ReadLedger        Need = "ledger:read"
	WriteLedger       Need = "ledger:write" // the accepted counts
	DeleteLedger      Need = "ledger:delete"
	ReadKeys          Need = "keys:read"
	WriteKeys         Need = "keys:write"
	ReadUsage         Need = "usage:read" // when keys were used last
	WriteUsage        Need = "usage:write"
	ReadEmbedKey      Need = "secret:read/" + Need(access.EmbedSecret) // of the deployment; signs embed tokens
	WriteEmbedKey     Need = "secret:write/" + Need(access.EmbedSecret)
	ReadClientKey     Need = "secret:read/" + Need(access.ClientSecret) // likewise, of clients' tokens
	WriteClientKey    Need = "secret:write/" + Need(access.ClientSecret)
	ReadFieldKey      Need = "secret:read/" + Need(fieldrule.Secret) // of the deployment; salts what fields of events are hashed with
	WriteFieldKey     Need = "secret:write/" + Need(fieldrule.Secret)
	ReadFeedKeys      Need = "feedkeys:read" // the write keys of feeds, which are the deployment's secrets
	ReadConnectors    Need = "connectors:read"
	WriteConnectors   Need = "connectors:write"
	DeleteConnectors  Need = "connectors:delete"
	ReadDSNs          Need = "dsn:read" // connection strings, which are tenants' secrets
	WriteDSNs         Need = "dsn:write"
	DeleteDSNs        Need = "dsn:delete"
	ReadPeople        Need = "people:read" // their attributes, and whose tokens are refused
	WritePeople       Need = "people:write"
	ManageDirectory   Need = "directory:manage" // where people sign in
	ReadAudit         Need = "audit:read"       // who writes an entry reads where the chain ends
	WriteAudit        Need = "audit:write"
	ReadCopies        Need = "copies:read" // of audit logs
	WriteCopies       Need = "copies:write"
	ReadSegments      Need = "segments:read"
	WriteSegments     Need = "segments:write"
	DeleteSegments    Need = "segments:delete" // and list them, without reading any
	ReadRules         Need = "rules:read"      // row filters and masks
	WriteRules        Need = "rules:write"
	DeleteRules       Need = "rules:delete"
	ReadLimits        Need = "limits:read"
	WriteLimits       Need = "limits:write"
	ReadRates         Need = "rates:read" // what callers have used of their limits
	WriteRates        Need = "rates:write"
	ReadAnswers       Need = "answers:read" // that processes share
	WriteAnswers      Need = "answers:write"
	ReadPartials      Need = "partials:read" // answers over segments
	WritePartials     Need = "partials:write"
	DeletePartials    Need = "partials:delete" // those that newer ones replace
	ReadFailures      Need = "failures:read"   // batches that the event source gave up on
	DeleteFailures    Need = "failures:delete"
	ReadSweep         Need = "sweep:read" // where a sweep ran out of time
	WriteSweep        Need = "sweep:write"
	ReadJobs          Need = "jobs:read"
	WriteJobs         Need = "jobs:write"
	DeleteJobs        Need = "jobs:delete" // the entries by which a job is found, when it moves on
	RunScans          Need = "scans:run"   // of the Iceberg tables, by Athena
	SendQueue         Need = "queue:send"  // hints that there is work
	ReadExports       Need = "exports:read"
	WriteExports      Need = "exports:write"
	DeleteExports     Need = "exports:delete"
	ReadFiles         Need = "files:read" // what was uploaded, and what is known of it
	WriteFiles        Need = "files:write"
	DeleteFiles       Need = "files:delete"
	ReadDrops         Need = "drops:read"        // what was dropped into the bucket for it
	WriteDrops        Need = "drops:write"       // put aside, with the reason
	DeleteDrops       Need = "drops:delete"      // what was loaded or put aside
	WriteOpen         Need = "open:write"        // the Iceberg tables: their own files, and where the catalog says they are
	ReadSuppressions  Need = "suppressions:read" // keyed hashes of who was erased
	WriteSuppressions Need = "suppressions:write"
	DeleteAnswers     Need = "answers:delete"
	ReadModels        Need = "models:read"
	WriteModels       Need = "models:write"
	ReadSchedules     Need = "schedules:read"
	WriteSchedules    Need = "schedules:write"
	DeleteSchedules   Need = "schedules:delete" // those that are over, and the entries of what is due when it moves on
	SetAlarms         Need = "alarms:set"       // of schedules
	ReadDirectory     Need = "directory:read"   // who still is somebody
	PutStream         Need = "stream:put"
	ReadStream        Need = "stream:read"
)

// Function is a deployed function.
type Function struct {
	Name   string // its folder in functions/
	Needs  []Need
	Engine bool // links DuckDB: x86-64, built with cgo
}

// Functions lists every deployed function: those that serve routes, those that
// consume, those that the clock drives, and redrive, which an operator calls by hand.
var Functions = []Function{
	{Name: "datasets", Needs: []Need{ReadAudit, WriteAudit, ReadRates, WriteRates, ReadLimits, ReadRules, DeleteRules, ReadCatalog, WriteCatalog, DeleteCatalog, ReadManifest, ReadDefinitions, WriteDefinitions, DeleteDefinitions,
		ReadFieldKey, WriteFieldKey, ReadSegments}}, // to try what is done to events
	{Name: "ingest", Needs: []Need{ReadFieldKey, WriteFieldKey, ReadAudit, WriteAudit, ReadRates, WriteRates, ReadLimits, ReadRules, ReadCatalog, WriteCatalog, ReadKeys, WriteUsage, ReadPeople, ReadClientKey, PutStream, WriteLedger, ReadManifest, ReadSegments}},
	{Name: "events", Needs: []Need{ReadFieldKey, WriteFieldKey, ReadAudit, WriteAudit, ReadRates, WriteRates, ReadLimits, ReadRules, ReadCatalog, ReadManifest, WriteManifest, DeleteManifest, ReadLedger, ReadSegments, PutStream, ReadStream, ReadSuppressions, WriteSuppressions}},
	{Name: "queries", Needs: []Need{ReadAudit, WriteAudit, ReadRates, WriteRates, ReadRules, ReadCatalog, ReadManifest, ReadDefinitions, ReadSegments, RunScans, ReadLimits, WriteLimits, ReadAnswers, WriteAnswers, ReadPartials, WritePartials, DeletePartials}, Engine: true},
	{Name: "jobs", Needs: []Need{ReadAudit, WriteAudit, ReadRates, WriteRates, ReadLimits, ReadRules, ReadJobs, WriteJobs, DeleteJobs, SendQueue, ReadExports}},
	{Name: "worker", Needs: []Need{ReadJobs, WriteJobs, DeleteJobs, SendQueue, ReadCatalog, ReadManifest, ReadSegments, ReadExports, WriteExports, DeleteExports,
		WriteManifest, DeleteManifest, WriteSegments, DeleteSegments, DeletePartials, WriteOpen, ReadAnswers, DeleteAnswers, ReadSuppressions, WriteSuppressions, ReadAudit, WriteAudit, ReadFiles, DeleteFiles, PutStream, WriteLedger, ReadFieldKey, WriteFieldKey,
		WriteCatalog, ReadConnectors, WriteConnectors, ReadDSNs, ReadModels, WriteModels, WriteRules}, Engine: true},
	{Name: "models", Needs: []Need{ReadAudit, WriteAudit, ReadRates, WriteRates, ReadLimits, ReadRules, ReadCatalog, ReadManifest, ReadModels, WriteModels, ReadJobs, WriteJobs, SendQueue}, Engine: true},
	{Name: "files", Needs: []Need{ReadFieldKey, WriteFieldKey, ReadAudit, WriteAudit, ReadRates, WriteRates, ReadLimits, ReadRules, ReadJobs, WriteJobs, SendQueue, ReadCatalog, ReadFiles, WriteFiles, DeleteFiles,
		ReadManifest, WriteManifest, DeleteManifest, ReadSegments, WriteSegments, ReadSuppressions, PutStream, WriteLedger}},
	{Name: "connectors", Needs: []Need{ReadAudit, WriteAudit, ReadRates, WriteRates, ReadLimits, ReadRules, ReadConnectors, WriteConnectors, DeleteConnectors, ReadDSNs, WriteDSNs, DeleteDSNs, ReadJobs, WriteJobs, SendQueue}},
	{Name: "exports", Needs: []Need{ReadAudit, WriteAudit, ReadRates, WriteRates, ReadLimits, ReadRules, ReadJobs, WriteJobs, SendQueue, ReadCatalog, ReadManifest, ReadDefinitions}},
	{Name: "embeds", Needs: []Need{ReadAudit, WriteAudit, ReadRates, WriteRates, ReadLimits, ReadRules, ReadCatalog, ReadManifest, ReadDefinitions, ReadEmbedKey, WriteEmbedKey}},
	{Name: "erasures", Needs: []Need{ReadFieldKey, WriteFieldKey, ReadAudit, WriteAudit, ReadRates, WriteRates, ReadLimits, ReadRules, ReadJobs, WriteJobs, SendQueue, ReadCatalog, ReadManifest, ReadSegments, ReadSuppressions, WriteSuppressions}},
	{Name: "schedules", Needs: []Need{ReadAudit, WriteAudit, ReadRates, WriteRates, ReadLimits, ReadRules, ReadJobs, WriteJobs, SendQueue, ReadCatalog, ReadManifest, ReadDefinitions,
		ReadConnectors, ReadSchedules, WriteSchedules, DeleteSchedules, SetAlarms, ReadKeys, ReadPeople, ReadDirectory}},
	{Name: "scheduler", Needs: []Need{ReadAudit, WriteAudit, ReadRates, WriteRates, ReadLimits, ReadRules, ReadJobs, WriteJobs, SendQueue, ReadCatalog, ReadManifest, ReadDefinitions,
		ReadConnectors, ReadSchedules, WriteSchedules, DeleteSchedules, SetAlarms, ReadKeys, ReadPeople, ReadDirectory}},
	{Name: "keys", Needs: []Need{ReadAudit, WriteAudit, ReadRates, WriteRates, ReadLimits, ReadRules, ReadKeys, WriteKeys, ReadUsage, ReadClientKey, WriteClientKey}},
	{Name: "users", Needs: []Need{ReadAudit, WriteAudit, ReadRates, WriteRates, ReadLimits, ReadRules, ReadPeople, WritePeople, ReadDirectory, ManageDirectory}},
	{Name: "policies", Needs: []Need{ReadAudit, WriteAudit, ReadRates, WriteRates, ReadLimits, ReadRules, WriteRules, DeleteRules, ReadDefinitions}},
	{Name: "audit", Needs: []Need{ReadAudit, WriteAudit, ReadRates, WriteRates, ReadLimits, ReadRules}},
	{Name: "notary", Needs: []Need{ReadAudit, WriteAudit, ReadCopies, WriteCopies}},
	{Name: "reference"},
	{Name: "authorizer", Needs: []Need{ReadKeys, WriteUsage, ReadPeople, ReadEmbedKey, ReadClientKey}},
	{Name: "ingestor", Needs: []Need{ReadCatalog, ReadManifest, WriteManifest, ReadSegments, WriteSegments, ReadStream, ReadSuppressions, WriteSuppressions}}, // of those it makes the salt, for marks
	{Name: "redrive", Needs: []Need{ReadFailures, DeleteFailures, PutStream}},
	{Name: "compactor", Needs: []Need{ReadCatalog, ReadManifest, WriteManifest, DeleteManifest, ReadSegments, WriteSegments}},
	{Name: "publisher", Needs: []Need{ReadCatalog, ReadManifest, WriteManifest, WriteOpen}},
	{Name: "collector", Needs: []Need{ReadDrops, WriteDrops, DeleteDrops, ReadCatalog, ReadFiles, WriteFiles, ReadJobs, WriteJobs, SendQueue}},
	{Name: "sweeper", Needs: []Need{ReadCatalog, DeleteCatalog, ReadManifest, DeleteManifest, ReadLedger, DeleteLedger, DeleteSegments, DeletePartials, DeleteExports, DeleteFiles, ReadSweep, WriteSweep, ReadDefinitions, DeleteDefinitions}},
}

// SignIns answers the user pool when somebody signs in with another provider. It is
// deployed with the pool, which names it, and only where there is such a provider.
var SignIns = Function{Name: "signins"}

// Feeds takes events from streams that others write. It is deployed only where there are
// such, and redrive may do as much then, to take again what it has not.
var Feeds = Function{Name: "feeds", Needs: []Need{ReadFeedKeys, ReadKeys, WriteUsage, ReadCatalog, ReadLimits, ReadRates, WriteRates, ReadFieldKey, WriteFieldKey, PutStream, WriteLedger, ReadManifest, ReadSegments}}

// Consumer is a function that a stream drives.
type Consumer struct {
	Function       string
	BatchRecords   int // records of one invocation at most
	BatchSeconds   int // how long a batch may gather
	Parallelism    int // batches of one shard at a time: 1, or a mark per shard would be wrong
	RetentionHours int // records outlast every retry
}

// Consumers lists every consumer of the event stream.
var Consumers = []Consumer{
	{Function: "ingestor", BatchRecords: 2000, BatchSeconds: 5, Parallelism: 1, RetentionHours: 168},
}

// Feed is how a stream that others write drives the function that takes it. How long a
// record outlasts retries is that stream's own business.
var Feed = Consumer{Function: "feeds", BatchRecords: 1000, BatchSeconds: 1, Parallelism: 1}

// Schedule is a function that the clock drives.
type Schedule struct {
	Function string
	Every    time.Duration
}

// Sweep deletes what was deleted or is not named any more.
var Sweep = Schedule{Function: "sweeper", Every: time.Hour}

// Compact merges small segments.
var Compact = Schedule{Function: "compactor", Every: 10 * time.Minute}

// Publish brings the Iceberg tables up to date.
var Publish = Schedule{Function: "publisher", Every: 10 * time.Minute}

// Notarize copies audit logs, and finds out whether they are what they were.
var Notarize = Schedule{Function: "notary", Every: 5 * time.Minute}

// Tend has the jobs looked at that no hint told of: a worker died, a hint was lost.
var Tend = Schedule{Function: "worker", Every: 5 * time.Minute}

// Look has the bucket looked at that files are dropped into, lest an event was lost or a load
// lasted.
var Look = Schedule{Function: "collector", Every: 5 * time.Minute}

// Remind has what is due looked for, lest an alarm was lost.
var Remind = Schedule{Function: "scheduler", Every: 15 * time.Minute}

// Worker is a function that the queue drives.
type Worker struct {
	Function    string
	Seconds     int // longest run; a hint stays hidden a little longer
	Concurrency int // runs at a time
	Tries       int // failed runs for one hint until it goes to the failure queue
}

// Work does the jobs.
var Work = Worker{Function: "worker", Seconds: 900, Concurrency: 10, Tries: 5}

// Collect has dropped files loaded, whose bucket tells of them.
var Collect = Worker{Function: "collector", Seconds: 600, Concurrency: 2, Tries: 5}

// Schedules lists every schedule.
var Schedules = []Schedule{Sweep, Compact, Publish, Notarize, Tend, Look, Remind}
