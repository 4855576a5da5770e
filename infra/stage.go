package main

import "github.com/aws/aws-cdk-go/awscdk/v2/awslogs"

// Stage is what differs between deployments.
type Stage struct {
	Name string

	// Keep protects what holds data from being deleted with its stack. Without it
	// nothing that costs money stays behind; buckets must be emptied first.
	Keep bool

	// Shards of the event stream; zero: on demand, where Kinesis splits and merges
	// them and bills by volume.
	Shards int

	// HashBuckets is how many ways a request's events are packed, a power of two.
	// More shards than buckets are of no use, and each bucket that a request touches
	// is a record, which Kinesis bills in units (25 KB provisioned, 1 KB on demand).
	// It is fixed for the life of a stage.
	HashBuckets int

	// RequestsPerSecond and Burst bound what the API takes before it answers 429.
	RequestsPerSecond, Burst int

	// AllowOrigins are the origins of other sites whose pages may call the API, such as
	// https://shop.example.com. None: the web page alone.
	AllowOrigins []string

	// Providers are others that people may sign in with, beside a password of their own.
	Providers []Provider

	// Feeds are streams that others write, which events are taken from (docs/streams.md).
	Feeds []Feed

	// Network is where the databases of connectors are that have no public address; nil:
	// connectors reach public ones alone.
	Network *Network

	// ScanBytes is how many bytes of segments a query may read itself; past it Athena
	// scans the Iceberg table. It must fit the function's disk. Zero: queries are never
	// put to Athena.
	ScanBytes int64

	// AthenaBytes is how many bytes one query of Athena may read, which bills them: five
	// dollars a terabyte. At least 10 MB.
	AthenaBytes int64

	// CacheURL is the rediss:// URL of a Redis or Valkey server that processes share
	// answers in, if it can be reached from the internet. Empty: they share them in the
	// table.
	CacheURL string

	// AuditDays is for how long nobody can change or delete a copy of the audit log: in a
	// stage that is kept nobody at all, not even the account's owner, and in others nobody
	// without the right to bypass governance.
	AuditDays int

	// LogExpiry is how long logs are kept.
	LogExpiry awslogs.RetentionDays

	// Host is the stage's own name; nil: the one that CloudFront gives it.
	Host *Host

	// AlarmEmail receives alarms; empty: nobody does until somebody subscribes.
	AlarmEmail string
}

// Host is a DNS name and the certificate for it, in us-east-1 as CloudFront
// demands. Only with one of its own can CloudFront be told to refuse TLS 1.0.
type Host struct {
	Name           string
	CertificateARN string
}

// Stages are the deployments there are.
var Stages = []Stage{
	{
		Name:        "dev",
		Shards:      1,
		HashBuckets: 4,

		RequestsPerSecond: 100,
		Burst:             200,
		ScanBytes:         2 << 30,
		AthenaBytes:       100 << 30,
		AuditDays:         1,
		LogExpiry:         awslogs.RetentionDays_ONE_WEEK,
	},
	{
		Name:        "prod",
		Keep:        true,
		HashBuckets: 32,

		RequestsPerSecond: 5000,
		Burst:             5000,
		ScanBytes:         2 << 30,
		AthenaBytes:       1 << 40,
		AuditDays:         365,
		LogExpiry:         awslogs.RetentionDays_THREE_MONTHS,
	},
}
