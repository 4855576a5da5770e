package mongodb

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/tarnhq/tarn/shared/fault"
)

// What of an error may be logged: the driver's texts have hosts in them.
var (
	errTimeout = errors.New("mongodb: timed out")
	errConnect = errors.New("mongodb: no server was found, or the connection ended")
	errResolve = errors.New("mongodb: the hosts were not resolved")
)

// sourceError is the code of what a server answers that has none of its own here.
const sourceError = "source_error"

type meaning struct {
	kind fault.Kind
	code string
	hint string
}

// codes are the errors of MongoDB that say more than that something failed.
var codes = map[int32]meaning{
	18:   {fault.Invalid, "source_refused", "check the user, the password and authSource in the dsn"},
	8000: {fault.Invalid, "source_refused", "check the user and the password in the dsn"}, // Atlas
	13:   {fault.Invalid, "source_denied", "give the user the role read of the database"},
	26:   {fault.NotFound, "unknown_table", "GET …/tables lists those there are"},
	50:   {fault.Unavailable, "source_timeout", "an index on the cursor and _id makes reading fast"},
	292:  {fault.Invalid, sourceError, "an index on the cursor and _id lets the server read in order"}, // too much to sort
	239:  {fault.Invalid, "snapshot_too_old", "raise the server's minSnapshotHistoryWindowInSeconds, or set \"settings\": {\"snapshot\": false}"},
}

// passing are the errors that another try may mend: no primary, a server that stops, a
// network between servers, a cursor that the server has forgotten.
var passing = map[int32]bool{
	6: true, 7: true, 43: true, 89: true, 91: true, 133: true, 134: true, 175: true, 189: true, 202: true, 246: true, 262: true, 267: true,
	9001: true, 10107: true, 11600: true, 11602: true, 13388: true, 13435: true, 13436: true,
}

// faultOf says what an error of the driver means.
func faultOf(err error) error {
	var known *fault.Error
	var command mongo.CommandError
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &command) && command.Code > 0:
		return answered(command)
	}
	cause := errConnect
	if mongo.IsTimeout(err) {
		cause = errTimeout
	}
	return fault.New(fault.Unavailable, "source_unavailable", "MongoDB cannot be reached, or its connection ended").
		WithHint("check the hosts in the dsn, and whether it needs tls=true").Because(cause)
}

// answered says what an error that the server has sent means.
func answered(e mongo.CommandError) error {
	if m, ok := codes[e.Code]; ok {
		return fault.New(m.kind, m.code, "MongoDB: %.300s", e.Message).WithHint("%s", m.hint)
	}
	if passing[e.Code] || e.HasErrorLabel("RetryableReadError") {
		return fault.New(fault.Unavailable, "source_unavailable", "MongoDB: %.300s (%s)", e.Message, e.Name)
	}
	return fault.New(fault.Invalid, sourceError, "MongoDB: %.300s (%s)", e.Message, e.Name)
}

// forbidden is what is wrong where no server was found and an address was refused.
func forbidden() error {
	return fault.New(fault.Invalid, "address_not_allowed", "the dsn, or the server that it names, leads to an address that is not public").
		WithHint("the operator lets connectors reach private networks by ALLOW_NETWORKS; directConnection=true keeps to the host of the dsn")
}
