// Package config names the settings that infra gives to functions. Both sides use
// these constants; nothing else reads the environment.
package config

import "os"

// Var is the name of a setting.
type Var string

// The settings of deployed functions.
const (
	Table         Var = "TARN_TABLE"          // name of the table
	Bucket        Var = "TARN_BUCKET"         // name of the bucket that holds segments
	Failures      Var = "TARN_FAILURES"       // name of the bucket that holds batches nobody could fold in
	Drops         Var = "TARN_DROPS"          // name of the bucket that files are dropped into
	Copies        Var = "TARN_COPIES"         // name of the bucket that holds copies of the audit logs
	Workgroup     Var = "TARN_WORKGROUP"      // name of the Athena workgroup that large scans run in
	ScanBytes     Var = "TARN_SCAN_BYTES"     // of segments that a query may read itself; past it Athena does. 0: any number
	Database      Var = "TARN_DATABASE"       // name of the database of the Glue Data Catalog that lists the Iceberg tables
	Stream        Var = "TARN_STREAM"         // name of the event stream
	Queue         Var = "TARN_QUEUE"          // URL of the queue of hints
	Unworked      Var = "TARN_UNWORKED"       // URL of its failure queue
	AlarmGroup    Var = "TARN_ALARM_GROUP"    // name of the group of EventBridge schedules that are alarms
	AlarmFunction Var = "TARN_ALARM_FUNCTION" // ARN of the function that they wake
	AlarmRole     Var = "TARN_ALARM_ROLE"     // ARN of the role in which they do
	Buckets       Var = "TARN_BUCKETS"        // number of hash buckets of the stage, a power of two
	UserPool      Var = "TARN_USER_POOL"      // id of the Cognito user pool
	Client        Var = "TARN_CLIENT"         // id of the pool's client
	Domain        Var = "TARN_DOMAIN"         // URL of the pool's sign-in pages
	Secrets       Var = "TARN_SECRETS"        // what the names of the stage's secrets begin with
	Rules         Var = "TARN_RULES"          // who of other providers' people gets in, as federation.ParseRules reads it
	Scratch       Var = "TARN_SCRATCH"        // folder for cached files
	Feeds         Var = "TARN_FEEDS"          // streams that others write, as feed.Parse reads them; may be empty
	Cache         Var = "TARN_CACHE"          // URL of a Redis or Valkey server in which answers are shared; may be empty
)

// Value returns the setting and panics when there is none: a function without its
// settings must not start.
func (v Var) Value() string {
	s, ok := os.LookupEnv(string(v))
	if !ok || s == "" {
		panic("setting " + string(v) + " is missing")
	}
	return s
}

// Or returns the setting, or fallback when there is none.
func (v Var) Or(fallback string) string {
	if s := os.Getenv(string(v)); s != "" {
		return s
	}
	return fallback
}

// Names of the table's attributes, which infra declares and the adapter uses. They
// count towards the size of every item.
const (
	PartitionKey = "p"
	SortKey      = "s"
	ExpiresKey   = "x" // Unix seconds
)

// The settings of the local server.
const (
	Port    Var = "PORT"     // to listen on; 0: any free one
	Host    Var = "HOST"     // address to listen on; the loopback ones where it is not set
	DataDir Var = "DATA_DIR" // where everything is kept
	Demo    Var = "DEMO"     // 0: no demo data
	KeyFile Var = "KEY_FILE" // seals the secrets; beside the data folder where it is not set
	DropDir Var = "DROP_DIR" // that files are dropped into to be loaded; drop in the data folder where it is not set

	AllowOrigins Var = "ALLOW_ORIGINS" // origins of other sites' pages that may call the API, with commas; default none
	TLS          Var = "TLS"           // 1: HTTPS, with a certificate of its own

	AllowNetworks Var = "ALLOW_NETWORKS" // CIDRs of private networks that Tarn may call, with commas; default none
	LocalFeeds    Var = "FEEDS"          // topics of Kafka that events are taken from: a JSON list, or the path of its file; default none
	Providers     Var = "PROVIDERS"      // others that people sign in with: a JSON list, or the path of its file; default none
)

// SignInPorts are those of localhost that the command line waits on for a browser to come
// back with a code, where the provider must know the whole address before: Cognito does.
var SignInPorts = []int{47113, 47114, 47115}
