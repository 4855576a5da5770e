// Package route declares every endpoint once, as data. The same rows drive the
// gateway's routes and each function's grants, the local server, authorization,
// the OpenAPI document and the tests that walk them. Paths mean the same to API
// Gateway, http.ServeMux and OpenAPI: {name} segments, none of them greedy. The first two
// have ways of their own to say that a path ends in a slash, as some producers' do.
package route

import (
	"net/http"
	"strings"

	"github.com/tarnhq/tarn/shared/access"
)

// Route is one endpoint.
type Route struct {
	ID       string        // the operation's id: "createDataset"
	Function string        // the folder in functions/ that serves it
	Method   string        //
	Path     string        //
	Action   access.Action // what a caller must be allowed to do; empty: open to anyone
	Summary  string        //
	Tag      string        // heading in the API reference
	Status   int           // of success
	Producer bool          // the function identifies the caller itself: a key may stand in the body
	MaxBody  int64         // bytes; zero: 1 MB
	Unbound  bool          // concerns no dataset, or the handler authorizes the one its body names
	Embed    bool          // asks the saved query that {name} is, which the holder of an embed token may too
	Optional bool          // the body may be absent
	Accepts  []string      // media types of the body beside JSON, for the API reference
	Answers  []string      // media types of the answer beside JSON, for the API reference
	Params   []Param       // of a route that reads its own request, for the API reference

	Private bool // names a person: the audit log keeps nothing of its path, query and body
	Events  bool // its body is events: the audit log keeps its length alone
	Dry     bool // shows what a change would do, and makes none
	Outside bool // changes what is not in the table, so that the audit log is told before and after

	ErrorCode bool // a problem also has its code as "error", where OAuth's clients look
	ErrorText bool // a problem also has its detail as "error", where Cube's clients look
}

// FormBody is the media type of a body that is a form, and nothing else then.
const FormBody = "application/x-www-form-urlencoded"

// Param is a parameter in a route's query.
type Param struct{ Name, Doc, Example string }

// Pattern is the route as http.ServeMux wants it: a path that ends in a slash is itself,
// and not all that is below.
func (r Route) Pattern() string {
	if strings.HasSuffix(r.Path, "/") {
		return r.Method + " " + r.Path + "{$}"
	}
	return r.Method + " " + r.Path
}

// Changes reports whether the route changes what people have set up: what it commits
// carries an entry of the audit log. Producers' routes change that on first use only, and
// to make a token changes nothing.
func (r Route) Changes() bool {
	return r.Method != http.MethodGet && !r.Producer && !r.Dry && r.Action != "" && r.Action != access.RunQuery && r.Action != access.RunSQL && r.Action != access.ReadAudit && r.Action != access.ReadSchedules
}

// DatasetParam is the path segment that names a dataset, wherever there is one.
const DatasetParam = "dataset"

// MaxIngest is the body limit of the producer routes in bytes, before and after
// decompression. API Gateway has a lower one of its own.
const MaxIngest = 10 << 20

// answerTypes are the media types of tables beside JSON, and answerParams choose one.
var (
	answerTypes  = []string{"text/csv", "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"}
	answerParams = []Param{{"format", "json, csv, arrow or parquet; the Accept header says it as well", "csv"}}
)

// The endpoints.
var (
	CreateDataset = Route{ID: "createDataset", Function: "datasets", Method: http.MethodPost, Path: "/v1/datasets",
		Action: access.CreateDataset, Status: http.StatusCreated, Tag: "Datasets", Summary: "Create a dataset"}
	ListDatasets = Route{ID: "listDatasets", Function: "datasets", Method: http.MethodGet, Path: "/v1/datasets",
		Action: access.ReadDataset, Status: http.StatusOK, Tag: "Datasets", Summary: "List the datasets that the caller may read", Unbound: true}
	GetDataset = Route{ID: "getDataset", Function: "datasets", Method: http.MethodGet, Path: "/v1/datasets/{dataset}",
		Action: access.ReadDataset, Status: http.StatusOK, Tag: "Datasets", Summary: "Read a dataset, its settings and its schema"}
	UpdateDataset = Route{ID: "updateDataset", Function: "datasets", Method: http.MethodPatch, Path: "/v1/datasets/{dataset}",
		Action: access.UpdateDataset, Status: http.StatusOK, Tag: "Datasets", Summary: "Change a dataset's settings or declare columns"}
	DeleteDataset = Route{ID: "deleteDataset", Function: "datasets", Method: http.MethodDelete, Path: "/v1/datasets/{dataset}",
		Action: access.DeleteDataset, Status: http.StatusNoContent, Tag: "Datasets", Summary: "Delete a dataset and its data"}

	ListDefinitions = Route{ID: "listDefinitions", Function: "datasets", Method: http.MethodGet, Path: "/v1/datasets/{dataset}/definitions",
		Action: access.ReadDataset, Status: http.StatusOK, Tag: "Definitions", Summary: "List a dataset's named measures, dimensions and queries"}
	GetDefinition = Route{ID: "getDefinition", Function: "datasets", Method: http.MethodGet, Path: "/v1/datasets/{dataset}/definitions/{name}",
		Action: access.ReadDataset, Status: http.StatusOK, Tag: "Definitions", Summary: "Read a definition, or one of its versions"}
	PutDefinition = Route{ID: "putDefinition", Function: "datasets", Method: http.MethodPut, Path: "/v1/datasets/{dataset}/definitions/{name}",
		Action: access.UpdateDataset, Status: http.StatusOK, Tag: "Definitions", Summary: "Define a measure, a dimension or a query; a change makes a new version"}
	DeleteDefinition = Route{ID: "deleteDefinition", Function: "datasets", Method: http.MethodDelete, Path: "/v1/datasets/{dataset}/definitions/{name}",
		Action: access.UpdateDataset, Status: http.StatusNoContent, Tag: "Definitions", Summary: "Delete a definition"}

	GetEnrichment = Route{ID: "getEnrichment", Function: "datasets", Method: http.MethodGet, Path: "/v1/datasets/{dataset}/enrichment",
		Action: access.ReadEvents, Status: http.StatusOK, Tag: "Enrichment", Summary: "Read what is done to a dataset's events on their way in, or a version of it"}
	ListEnrichments = Route{ID: "listEnrichments", Function: "datasets", Method: http.MethodGet, Path: "/v1/datasets/{dataset}/enrichment/versions",
		Action: access.ReadEvents, Status: http.StatusOK, Tag: "Enrichment", Summary: "List the versions of an enrichment, and who made them"}
	PutEnrichment = Route{ID: "putEnrichment", Function: "datasets", Method: http.MethodPut, Path: "/v1/datasets/{dataset}/enrichment",
		Action: access.UpdateDataset, Status: http.StatusOK, Tag: "Enrichment", Summary: "Make the next version of an enrichment, if its samples come out as expected"}
	PreviewEnrichment = Route{ID: "previewEnrichment", Function: "datasets", Method: http.MethodPost, Path: "/v1/datasets/{dataset}/enrichment/preview",
		Action: access.UpdateDataset, Status: http.StatusOK, Tag: "Enrichment", Summary: "Try steps on events that are given, or on the last ones that are stored", Dry: true}

	SendEvents = Route{ID: "sendEvents", Function: "ingest", Method: http.MethodPost, Path: "/v1/datasets/{dataset}/events",
		Action: access.WriteEvents, Status: http.StatusOK, Tag: "Events", Summary: "Send events: a JSON array, NDJSON or one object",
		Producer: true, MaxBody: MaxIngest, Accepts: []string{"application/x-ndjson"}}

	GetEvent = Route{ID: "getEvent", Function: "events", Method: http.MethodGet, Path: "/v1/datasets/{dataset}/events",
		Action: access.ReadEvents, Status: http.StatusOK, Tag: "Events", Summary: "Tell the fate of one event"}
	ListQuarantine = Route{ID: "listQuarantine", Function: "events", Method: http.MethodGet, Path: "/v1/datasets/{dataset}/quarantine",
		Action: access.ReadEvents, Status: http.StatusOK, Tag: "Events", Summary: "List events that could not be stored, with reasons"}
	ReplayQuarantine = Route{ID: "replayQuarantine", Function: "events", Method: http.MethodPost, Path: "/v1/datasets/{dataset}/quarantine/replay",
		Action: access.ReplayEvents, Status: http.StatusOK, Tag: "Events", Summary: "Send quarantined events again, as they are or mended", Optional: true, Events: true}
	GetLedger = Route{ID: "getLedger", Function: "events", Method: http.MethodGet, Path: "/v1/datasets/{dataset}/ledger",
		Action: access.ReadEvents, Status: http.StatusOK, Tag: "Events", Summary: "Account for every event acknowledged"}

	CreateFile = Route{ID: "createFile", Function: "files", Method: http.MethodPost, Path: "/v1/datasets/{dataset}/files",
		Action: access.LoadRows, Status: http.StatusCreated, Tag: "Files", Summary: "Make a place to upload a file to, of any size"}
	ListFiles = Route{ID: "listFiles", Function: "files", Method: http.MethodGet, Path: "/v1/datasets/{dataset}/files",
		Action: access.LoadRows, Status: http.StatusOK, Tag: "Files", Summary: "List the files of the last week"}
	GetFile = Route{ID: "getFile", Function: "files", Method: http.MethodGet, Path: "/v1/datasets/{dataset}/files/{file}",
		Action: access.LoadRows, Status: http.StatusOK, Tag: "Files", Summary: "Read what is known of a file"}
	ListUploads = Route{ID: "listUploads", Function: "files", Method: http.MethodGet, Path: "/v1/datasets/{dataset}/files/{file}/uploads",
		Action: access.LoadRows, Status: http.StatusOK, Tag: "Files", Summary: "List the parts of a large file that were not uploaded yet, and where they go"}
	ChangeFile = Route{ID: "changeFile", Function: "files", Method: http.MethodPatch, Path: "/v1/datasets/{dataset}/files/{file}",
		Action: access.LoadRows, Status: http.StatusOK, Tag: "Files", Summary: "Change how a file is read, and what is made of it"}
	DeleteFile = Route{ID: "deleteFile", Function: "files", Method: http.MethodDelete, Path: "/v1/datasets/{dataset}/files/{file}",
		Action: access.LoadRows, Status: http.StatusNoContent, Tag: "Files", Summary: "Delete what was uploaded", Outside: true}
	PreviewFile = Route{ID: "previewFile", Function: "files", Method: http.MethodGet, Path: "/v1/datasets/{dataset}/files/{file}/preview",
		Action: access.LoadRows, Status: http.StatusOK, Tag: "Files", Summary: "Look at an uploaded file: how it was understood, its columns and first rows"}
	LoadFile = Route{ID: "loadFile", Function: "files", Method: http.MethodPost, Path: "/v1/datasets/{dataset}/files/{file}/load",
		Action: access.LoadRows, Status: http.StatusAccepted, Tag: "Files", Summary: "Load an uploaded file", Optional: true}
	LoadRows = Route{ID: "loadRows", Function: "files", Method: http.MethodPost, Path: "/v1/datasets/{dataset}/rows",
		Action: access.LoadRows, Status: http.StatusOK, Tag: "Files", Summary: "Load a small file: CSV, TSV, JSON, NDJSON, Parquet or Excel",
		MaxBody: MaxIngest, Events: true, Outside: true,
		Accepts: []string{"text/csv", "text/tab-separated-values", "application/x-ndjson", "application/vnd.apache.parquet", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
		Params: []Param{{"mode", "append, replace or upsert", "upsert"}, {"key", "of an upsert: columns that tell rows apart, with commas between", "id"},
			{"again", "append even what was appended before", "true"}, {"delimiter", "of CSV", ";"}, {"quote", "of CSV", "'"}, {"header", "whether the first row names the columns", "true"},
			{"encoding", "utf-8, utf-16le, utf-16be or windows-1252", "utf-8"}, {"decimal", "of CSV: the decimal separator", ","}, {"dates", "iso, dmy, mdy or ymd", "dmy"}, {"sheet", "of a workbook", "Orders"}}}

	RunQuery = Route{ID: "runQuery", Function: "queries", Method: http.MethodPost, Path: "/v1/query",
		Action: access.RunQuery, Status: http.StatusOK, Tag: "Queries", Summary: "Ask a question", Unbound: true,
		Answers: answerTypes, Params: answerParams}
	RunSQL = Route{ID: "runSQL", Function: "queries", Method: http.MethodPost, Path: "/v1/sql",
		Action: access.RunSQL, Status: http.StatusOK, Tag: "Queries", Summary: "Ask in SQL: one SELECT over datasets", Unbound: true,
		Answers: answerTypes, Params: answerParams}

	ListValues = Route{ID: "listValues", Function: "queries", Method: http.MethodGet, Path: "/v1/datasets/{dataset}/values",
		Action: access.RunQuery, Status: http.StatusOK, Tag: "Queries", Summary: "List the most frequent values of a column, for who chooses a filter"}

	GetSaved = Route{ID: "getSaved", Function: "queries", Method: http.MethodGet, Path: "/v1/saved/{name}",
		Action: access.RunQuery, Status: http.StatusOK, Tag: "Queries", Summary: "Ask a saved question: rows as flat objects, or CSV", Unbound: true, Embed: true,
		Answers: []string{"text/csv"}, Params: []Param{{"format", "json or csv; the Accept header says it as well", "csv"},
			{"from", "in the place of the query's time.from", "2026-01-01T00:00:00Z"}, {"to", "in the place of the query's time.to", "2026-02-01T00:00:00Z"}}}

	CreateEmbedToken = Route{ID: "createEmbedToken", Function: "embeds", Method: http.MethodPost, Path: "/v1/embed-tokens",
		Action: access.CreateEmbed, Status: http.StatusCreated, Tag: "Access", Summary: "Make a short-lived token that asks one saved query, with fixed filters", Unbound: true, Outside: true}

	CreateExport = Route{ID: "createExport", Function: "exports", Method: http.MethodPost, Path: "/v1/exports",
		Action: access.CreateExport, Status: http.StatusAccepted, Tag: "Jobs", Summary: "Export a query or a dataset's rows to a file", Unbound: true}
	CreateConnector = Route{ID: "createConnector", Function: "connectors", Method: http.MethodPost, Path: "/v1/connectors",
		Action: access.Connect, Status: http.StatusCreated, Tag: "Connectors", Summary: "Connect to tables of another system", Unbound: true}
	ListConnectors = Route{ID: "listConnectors", Function: "connectors", Method: http.MethodGet, Path: "/v1/connectors",
		Action: access.Connect, Status: http.StatusOK, Tag: "Connectors", Summary: "List the connectors", Unbound: true}
	GetConnector = Route{ID: "getConnector", Function: "connectors", Method: http.MethodGet, Path: "/v1/connectors/{name}",
		Action: access.Connect, Status: http.StatusOK, Tag: "Connectors", Summary: "Read a connector, without its secret", Unbound: true}
	UpdateConnector = Route{ID: "updateConnector", Function: "connectors", Method: http.MethodPatch, Path: "/v1/connectors/{name}",
		Action: access.Connect, Status: http.StatusOK, Tag: "Connectors", Summary: "Change a connector's tables or its dsn", Unbound: true}
	DeleteConnector = Route{ID: "deleteConnector", Function: "connectors", Method: http.MethodDelete, Path: "/v1/connectors/{name}",
		Action: access.Connect, Status: http.StatusNoContent, Tag: "Connectors", Summary: "Delete a connector; its datasets stay", Unbound: true}
	TestConnector = Route{ID: "testConnector", Function: "connectors", Method: http.MethodPost, Path: "/v1/connectors/{name}/test",
		Action: access.Connect, Status: http.StatusOK, Tag: "Connectors", Summary: "Try whether the source answers", Unbound: true, Outside: true}
	ListSourceTables = Route{ID: "listSourceTables", Function: "connectors", Method: http.MethodGet, Path: "/v1/connectors/{name}/tables",
		Action: access.Connect, Status: http.StatusOK, Tag: "Connectors", Summary: "List the tables that the source has, with columns, types and keys", Unbound: true}
	DiscoverTables = Route{ID: "discoverTables", Function: "connectors", Method: http.MethodPost, Path: "/v1/source-tables",
		Action: access.Connect, Status: http.StatusOK, Tag: "Connectors", Summary: "Try a source that is no connector yet, and list its tables", Unbound: true, Outside: true}
	SyncConnector = Route{ID: "syncConnector", Function: "connectors", Method: http.MethodPost, Path: "/v1/connectors/{name}/sync",
		Action: access.Connect, Status: http.StatusAccepted, Tag: "Connectors", Summary: "Bring the datasets up to date", Unbound: true, Optional: true}
	CreateErasure = Route{ID: "createErasure", Function: "erasures", Method: http.MethodPost, Path: "/v1/erasures",
		Action: access.EraseSubjects, Status: http.StatusAccepted, Tag: "Privacy", Summary: "Erase a subject everywhere, or rows that a filter matches", Unbound: true, Private: true}
	GetSubject = Route{ID: "getSubject", Function: "erasures", Method: http.MethodGet, Path: "/v1/subjects/{subject}",
		Action: access.ReadSubjects, Status: http.StatusOK, Tag: "Privacy", Summary: "Read all that is held of a subject", Private: true}
	ListJobs = Route{ID: "listJobs", Function: "jobs", Method: http.MethodGet, Path: "/v1/jobs",
		Action: access.ReadJobs, Status: http.StatusOK, Tag: "Jobs", Summary: "List jobs", Unbound: true}
	GetJob = Route{ID: "getJob", Function: "jobs", Method: http.MethodGet, Path: "/v1/jobs/{job_id}",
		Action: access.ReadJobs, Status: http.StatusOK, Tag: "Jobs", Summary: "Read a job: state, progress, result", Unbound: true}
	WatchJob = Route{ID: "watchJob", Function: "jobs", Method: http.MethodGet, Path: "/v1/jobs/{job_id}/progress",
		Action: access.ReadJobs, Status: http.StatusOK, Tag: "Jobs", Summary: "Follow a job's progress as server-sent events", Unbound: true,
		Answers: []string{"text/event-stream"}}
	CreateSchedule = Route{ID: "createSchedule", Function: "schedules", Method: http.MethodPost, Path: "/v1/schedules",
		Action: access.ChangeSchedules, Status: http.StatusCreated, Tag: "Schedules", Summary: "Have a job ordered again and again, or once later", Unbound: true}
	ListSchedules = Route{ID: "listSchedules", Function: "schedules", Method: http.MethodGet, Path: "/v1/schedules",
		Action: access.ReadSchedules, Status: http.StatusOK, Tag: "Schedules", Summary: "List schedules", Unbound: true}
	GetSchedule = Route{ID: "getSchedule", Function: "schedules", Method: http.MethodGet, Path: "/v1/schedules/{name}",
		Action: access.ReadSchedules, Status: http.StatusOK, Tag: "Schedules", Summary: "Read a schedule: its next runs, and what became of the last ones", Unbound: true}
	ChangeSchedule = Route{ID: "changeSchedule", Function: "schedules", Method: http.MethodPatch, Path: "/v1/schedules/{name}",
		Action: access.ChangeSchedules, Status: http.StatusOK, Tag: "Schedules", Summary: "Pause or resume a schedule, or change when it runs and what", Unbound: true}
	DeleteSchedule = Route{ID: "deleteSchedule", Function: "schedules", Method: http.MethodDelete, Path: "/v1/schedules/{name}",
		Action: access.ChangeSchedules, Status: http.StatusNoContent, Tag: "Schedules", Summary: "Delete a schedule; jobs that it ordered go on", Unbound: true}
	PreviewSchedule = Route{ID: "previewSchedule", Function: "schedules", Method: http.MethodPost, Path: "/v1/next-runs",
		Action: access.ReadSchedules, Status: http.StatusOK, Tag: "Schedules", Summary: "Tell when a schedule would be due, and make none", Unbound: true}
	RunSchedule = Route{ID: "runSchedule", Function: "schedules", Method: http.MethodPost, Path: "/v1/schedules/{name}/run",
		Action: access.ChangeSchedules, Status: http.StatusAccepted, Tag: "Schedules", Summary: "Order a schedule's job at once", Unbound: true}
	GetJobLog = Route{ID: "getJobLog", Function: "jobs", Method: http.MethodGet, Path: "/v1/jobs/{job_id}/log",
		Action: access.ReadJobs, Status: http.StatusOK, Tag: "Jobs", Summary: "Read the last lines of a job's log", Unbound: true}
	CancelJob = Route{ID: "cancelJob", Function: "jobs", Method: http.MethodPost, Path: "/v1/jobs/{job_id}/cancel",
		Action: access.ChangeJobs, Status: http.StatusOK, Tag: "Jobs", Summary: "Cancel a job", Unbound: true}
	RetryJob = Route{ID: "retryJob", Function: "jobs", Method: http.MethodPost, Path: "/v1/jobs/{job_id}/retry",
		Action: access.ChangeJobs, Status: http.StatusOK, Tag: "Jobs", Summary: "Try a failed or cancelled job again, from its last checkpoint", Unbound: true}

	GetModels = Route{ID: "getModels", Function: "models", Method: http.MethodGet, Path: "/v1/models",
		Action: access.ReadModels, Status: http.StatusOK, Tag: "Models", Summary: "Read the models: their files, what reads what, and how the last builds ended", Unbound: true}
	PutModels = Route{ID: "putModels", Function: "models", Method: http.MethodPut, Path: "/v1/models",
		Action: access.ManageModels, Status: http.StatusOK, Tag: "Models", Summary: "Put the folder of models in the place of what it was", Unbound: true}
	RunModels = Route{ID: "runModels", Function: "models", Method: http.MethodPost, Path: "/v1/model-runs",
		Action: access.ManageModels, Status: http.StatusAccepted, Tag: "Models", Summary: "Build models: what changed, a period anew, or all", Unbound: true}
	TryModels = Route{ID: "tryModels", Function: "models", Method: http.MethodPost, Path: "/v1/model-dry-runs",
		Action: access.ManageModels, Status: http.StatusAccepted, Tag: "Models", Summary: "Tell which numbers a build would change, and change nothing", Unbound: true}

	GetLimits = Route{ID: "getLimits", Function: "queries", Method: http.MethodGet, Path: "/v1/limits",
		Action: access.ManageLimits, Status: http.StatusOK, Tag: "Queries", Summary: "Read what one question may cost, and what callers may use over time"}
	SetLimits = Route{ID: "setLimits", Function: "queries", Method: http.MethodPut, Path: "/v1/limits",
		Action: access.ManageLimits, Status: http.StatusOK, Tag: "Queries", Summary: "Set what one question may cost, and what callers may use over time"}

	CreateKey = Route{ID: "createKey", Function: "keys", Method: http.MethodPost, Path: "/v1/keys",
		Action: access.ManageKeys, Status: http.StatusCreated, Tag: "Keys", Summary: "Make an API key; it is shown once"}
	ListKeys = Route{ID: "listKeys", Function: "keys", Method: http.MethodGet, Path: "/v1/keys",
		Action: access.ManageKeys, Status: http.StatusOK, Tag: "Keys", Summary: "List API keys"}
	RotateKey = Route{ID: "rotateKey", Function: "keys", Method: http.MethodPost, Path: "/v1/keys/{key}/rotate",
		Action: access.ManageKeys, Status: http.StatusOK, Tag: "Keys", Summary: "Give an API key a new secret, shown once; the one before stays good for a while", Optional: true}
	RevokeKey = Route{ID: "revokeKey", Function: "keys", Method: http.MethodDelete, Path: "/v1/keys/{key}",
		Action: access.ManageKeys, Status: http.StatusNoContent, Tag: "Keys", Summary: "Revoke an API key"}
	CreateToken = Route{ID: "createToken", Function: "keys", Method: http.MethodPost, Path: "/v1/token",
		Action: access.ReadSelf, Status: http.StatusOK, Tag: "Keys", Summary: "Exchange an API key for a short-lived token: OAuth's client credentials",
		Producer: true, Unbound: true, Accepts: []string{FormBody}, MaxBody: 16 << 10, ErrorCode: true}
	CreateRowFilter = Route{ID: "createRowFilter", Function: "policies", Method: http.MethodPost, Path: "/v1/row-filters",
		Action: access.ManageRules, Status: http.StatusCreated, Tag: "Access", Summary: "Let callers see only those rows of a dataset that a filter is true of"}
	ListRowFilters = Route{ID: "listRowFilters", Function: "policies", Method: http.MethodGet, Path: "/v1/row-filters",
		Action: access.ManageRules, Status: http.StatusOK, Tag: "Access", Summary: "List row filters"}
	DeleteRowFilter = Route{ID: "deleteRowFilter", Function: "policies", Method: http.MethodDelete, Path: "/v1/row-filters/{id}",
		Action: access.ManageRules, Status: http.StatusNoContent, Tag: "Access", Summary: "End a row filter"}
	CreateMask = Route{ID: "createMask", Function: "policies", Method: http.MethodPost, Path: "/v1/masks",
		Action: access.ManageRules, Status: http.StatusCreated, Tag: "Access", Summary: "Hide, hash or truncate the values of a column"}
	ListMasks = Route{ID: "listMasks", Function: "policies", Method: http.MethodGet, Path: "/v1/masks",
		Action: access.ManageRules, Status: http.StatusOK, Tag: "Access", Summary: "List masks of columns"}
	DeleteMask = Route{ID: "deleteMask", Function: "policies", Method: http.MethodDelete, Path: "/v1/masks/{id}",
		Action: access.ManageRules, Status: http.StatusNoContent, Tag: "Access", Summary: "End a mask"}
	CreateGrant = Route{ID: "createGrant", Function: "policies", Method: http.MethodPost, Path: "/v1/grants",
		Action: access.ManageGrants, Status: http.StatusCreated, Tag: "Access", Summary: "Give callers a role on one dataset, or the answers of one saved query"}
	ListGrants = Route{ID: "listGrants", Function: "policies", Method: http.MethodGet, Path: "/v1/grants",
		Action: access.ManageGrants, Status: http.StatusOK, Tag: "Access", Summary: "List grants"}
	DeleteGrant = Route{ID: "deleteGrant", Function: "policies", Method: http.MethodDelete, Path: "/v1/grants/{id}",
		Action: access.ManageGrants, Status: http.StatusNoContent, Tag: "Access", Summary: "End a grant"}

	InviteUser = Route{ID: "inviteUser", Function: "users", Method: http.MethodPost, Path: "/v1/users",
		Action: access.ManageUsers, Status: http.StatusCreated, Tag: "Access", Summary: "Invite a person; the one-time password is shown once", Outside: true}
	ListUsers = Route{ID: "listUsers", Function: "users", Method: http.MethodGet, Path: "/v1/users",
		Action: access.ManageUsers, Status: http.StatusOK, Tag: "Access", Summary: "List people"}
	ChangeUser = Route{ID: "changeUser", Function: "users", Method: http.MethodPatch, Path: "/v1/users/{user}",
		Action: access.ManageUsers, Status: http.StatusOK, Tag: "Access", Summary: "Change a person's groups and attributes, disable or enable them", Outside: true}
	RemoveUser = Route{ID: "removeUser", Function: "users", Method: http.MethodDelete, Path: "/v1/users/{user}",
		Action: access.ManageUsers, Status: http.StatusNoContent, Tag: "Access", Summary: "Remove a person", Outside: true}
	SignOutUser = Route{ID: "signOutUser", Function: "users", Method: http.MethodPost, Path: "/v1/users/{user}/sign-out",
		Action: access.ManageUsers, Status: http.StatusNoContent, Tag: "Access", Summary: "Sign a person out everywhere", Outside: true}
	ResetUser = Route{ID: "resetUser", Function: "users", Method: http.MethodPost, Path: "/v1/users/{user}/reset",
		Action: access.ManageUsers, Status: http.StatusOK, Tag: "Access", Summary: "End all that a person signs in with, their second factor too; a one-time password is shown once", Outside: true}

	ListAudit = Route{ID: "listAudit", Function: "audit", Method: http.MethodGet, Path: "/v1/audit",
		Action: access.ReadAudit, Status: http.StatusOK, Tag: "Audit", Summary: "List who did what"}
	ExportAudit = Route{ID: "exportAudit", Function: "audit", Method: http.MethodGet, Path: "/v1/audit/export",
		Action: access.ReadAudit, Status: http.StatusOK, Tag: "Audit", Summary: "Take entries away, as NDJSON with what proves them, or as CSV"}
	VerifyAudit = Route{ID: "verifyAudit", Function: "audit", Method: http.MethodGet, Path: "/v1/audit/verify",
		Action: access.ReadAudit, Status: http.StatusOK, Tag: "Audit", Summary: "Check that no entry was changed, or name the first that was"}

	GetSelf = Route{ID: "getSelf", Function: "keys", Method: http.MethodGet, Path: "/v1/me",
		Action: access.ReadSelf, Status: http.StatusOK, Tag: "Keys", Summary: "Tell who the caller is and what they may do", Unbound: true}

	Health = Route{ID: "health", Function: "reference", Method: http.MethodGet, Path: "/healthz",
		Status: http.StatusOK, Tag: "Service", Summary: "Answer when serving"}
	OpenAPI = Route{ID: "openapi", Function: "reference", Method: http.MethodGet, Path: "/openapi.json",
		Status: http.StatusOK, Tag: "Service", Summary: "This API as an OpenAPI 3.1 document"}
	SignIn = Route{ID: "signIn", Function: "reference", Method: http.MethodGet, Path: "/v1/sign-in",
		Status: http.StatusOK, Tag: "Service", Summary: "Where people sign in: the OpenID Connect issuer and client"}
)

// All lists every endpoint.
var All = append([]Route{
	CreateDataset, ListDatasets, GetDataset, UpdateDataset, DeleteDataset,
	ListDefinitions, GetDefinition, PutDefinition, DeleteDefinition,
	GetEnrichment, ListEnrichments, PutEnrichment, PreviewEnrichment,
	SendEvents, GetEvent, ListQuarantine, ReplayQuarantine, GetLedger,
	RunQuery, ListValues, GetSaved, RunSQL, CreateEmbedToken,
	CubeLoad[0], CubeLoad[1], CubeDryRun[0], CubeDryRun[1], CubeSQL[0], CubeSQL[1], CubeMeta, CubeStatement,
	CreateConnector, ListConnectors, GetConnector, UpdateConnector, DeleteConnector, TestConnector, ListSourceTables, DiscoverTables, SyncConnector,
	CreateErasure, GetSubject,
	CreateFile, ListFiles, GetFile, ListUploads, ChangeFile, DeleteFile, PreviewFile, LoadFile, LoadRows,
	CreateExport, ListJobs, GetJob, WatchJob, GetJobLog, CancelJob, RetryJob,
	CreateSchedule, ListSchedules, GetSchedule, ChangeSchedule, DeleteSchedule, PreviewSchedule, RunSchedule,
	GetModels, PutModels, RunModels, TryModels,
	GetLimits, SetLimits,
	CreateKey, ListKeys, RotateKey, RevokeKey, CreateToken, GetSelf,
	CreateRowFilter, ListRowFilters, DeleteRowFilter, CreateMask, ListMasks, DeleteMask, CreateGrant, ListGrants, DeleteGrant,
	ListAudit, ExportAudit, VerifyAudit,
	InviteUser, ListUsers, ChangeUser, RemoveUser, SignOutUser, ResetUser,
	Health, OpenAPI, SignIn,
}, Producers...)
