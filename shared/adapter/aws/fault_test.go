package aws

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/table"
)

var anyKey = table.Key{Partition: "p", Sort: "s"}

func wantKind(t *testing.T, err error, want fault.Kind) {
	t.Helper()
	if !fault.Is(err, want) {
		t.Errorf("got %v (%v), want %v", err, fault.KindOf(err), want)
	}
}

func TestAnErrorOfAServiceHasTheKindThatItsCodeSays(t *testing.T) {
	table := func(a Account, ctx context.Context) error { _, err := a.Table("t").Get(ctx, anyKey); return err }
	blob := func(a Account, ctx context.Context) error { _, err := a.Blob("b").Stat(ctx, "k"); return err }
	stream := func(a Account, ctx context.Context) error { _, err := a.Stream("s").Shards(ctx); return err }
	queue := func(a Account, ctx context.Context) error { return a.Queue("u", "f").Ack(ctx, "r") }
	people := func(a Account, ctx context.Context) error { return a.Directory("p", "c", "d").Disable(ctx, "u") }
	hidden := func(a Account, ctx context.Context) error {
		_, err := a.Secrets("p/").Get(ctx, "main", "k")
		return err
	}
	hide := func(a Account, ctx context.Context) error {
		return a.Secrets("p/").Create(ctx, "main", "k", secret.New([]byte("v")))
	}
	for name, c := range map[string]struct {
		call func(Account, context.Context) error
		answer
		want fault.Kind
	}{
		"a request that the table calls invalid":     {table, refuse(400, "ValidationException"), fault.Invalid},
		"a table that there is not":                  {table, refuse(400, "ResourceNotFoundException"), fault.Internal},
		"an action that the role may not take":       {table, refuse(400, "AccessDeniedException"), fault.Internal},
		"a table over its throughput":                {table, refuse(400, "ProvisionedThroughputExceededException"), fault.Throttled},
		"an account over its rate":                   {table, refuse(400, "ThrottlingException"), fault.Throttled},
		"a table that fails":                         {table, refuse(500, "InternalServerError"), fault.Unavailable},
		"a gateway without a service":                {table, reply(503, "<html>"), fault.Unavailable},
		"a connection that is cut":                   {table, lost, fault.Unavailable},
		"an answer that is not JSON":                 {table, reply(200, "<html>"), fault.Unavailable},
		"a blob that there is not":                   {blob, reply(404, ""), fault.NotFound},
		"a blob that may not be seen":                {blob, reply(403, ""), fault.Internal},
		"a bucket that slows its clients down":       {blob, reply(503, ""), fault.Unavailable},
		"a stream that there is not":                 {stream, refuse(400, "ResourceNotFoundException"), fault.Internal},
		"a stream that is asked too often":           {stream, refuse(400, "LimitExceededException"), fault.Throttled},
		"a receipt of another queue":                 {queue, refuse(400, "ReceiptHandleIsInvalid"), fault.Invalid},
		"a queue that is asked too often":            {queue, refuse(403, "RequestThrottled"), fault.Throttled},
		"a secret that there is not":                 {hidden, refuse(400, "ResourceNotFoundException"), fault.NotFound},
		"a secret that is being deleted":             {hidden, refuse(400, "InvalidRequestException"), fault.NotFound},
		"a secret that the role may not read":        {hidden, refuse(400, "AccessDeniedException"), fault.Internal},
		"a secret that its key does not open":        {hidden, refuse(400, "DecryptionFailure"), fault.Internal},
		"a name that is taken":                       {hide, refuse(400, "ResourceExistsException"), fault.Conflict},
		"a name that is being deleted":               {hide, refuse(400, "InvalidRequestException"), fault.Unavailable},
		"secrets that are asked for too often":       {hidden, refuse(400, "ThrottlingException"), fault.Throttled},
		"a user that there is not":                   {people, refuse(400, "UserNotFoundException"), fault.NotFound},
		"a user pool that is asked too often":        {people, refuse(400, "TooManyRequestsException"), fault.Throttled},
		"a user pool that calls a request too often": {people, reply(http.StatusTooManyRequests, "{}"), fault.Throttled},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.answer)
			synctest.Test(t, func(t *testing.T) { wantKind(t, c.call(s.account(), t.Context()), c.want) })
		})
	}
}

func TestAServiceThatCannotBeReachedIsUnavailable(t *testing.T) {
	s := serve(t, lost)
	nowhere := "http://127.0.0.1:1"
	s.config.BaseEndpoint = &nowhere
	synctest.Test(t, func(t *testing.T) {
		_, err := s.account().Table("t").Get(t.Context(), anyKey)
		wantKind(t, err, fault.Unavailable)
	})
}

func TestACallThatRanOutOfTimeIsUnavailable(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	_, err := serve(t, reply(200, "{}")).account().Table("t").Get(ctx, anyKey)
	wantKind(t, err, fault.Unavailable)
}

func TestTheTextOfAServiceStaysOutOfTheMessage(t *testing.T) {
	_, err := serve(t, refuse(400, "ValidationException")).account().Table("secret-name").Get(t.Context(), anyKey)
	var e *fault.Error
	if !errors.As(err, &e) || e.Message != "the table refused the request as invalid" || e.Code != "table_invalid" {
		t.Errorf("message %q, code %q", e.Message, e.Code)
	}
}
