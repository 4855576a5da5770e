package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"github.com/tarnhq/tarn/shared/engine/athena/execution"
	"github.com/tarnhq/tarn/shared/fault"
)

// Athena runs statements in a workgroup, which says where answers go, how they are
// encrypted and how much one query may read.
type Athena struct {
	client    *athena.Client
	workgroup string
}

var _ execution.Service = (*Athena)(nil)

// Athena opens a workgroup.
func (a Account) Athena(workgroup string) *Athena {
	return &Athena{athena.NewFromConfig(a.config), workgroup}
}

// Start implements execution.Service. Athena knows a request again by its token, so
// that any call may be repeated.
func (a *Athena) Start(ctx context.Context, statement, turn string) (execution.ID, error) {
	out, err := a.client.StartQueryExecution(ctx, &athena.StartQueryExecutionInput{
		QueryString: &statement, WorkGroup: &a.workgroup, ClientRequestToken: sdk.String(tokenOf(a.workgroup, turn, statement))})
	if err != nil {
		return "", translateAthena(err)
	}
	return execution.ID(sdk.ToString(out.QueryExecutionId)), nil
}

// tokenOf returns 64 characters of which no two requests have the same.
func tokenOf(request ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(request, "\x00")))
	return hex.EncodeToString(sum[:])
}

var executionStates = map[types.QueryExecutionState]execution.State{
	types.QueryExecutionStateQueued:    execution.Waiting,
	types.QueryExecutionStateRunning:   execution.Running,
	types.QueryExecutionStateSucceeded: execution.Done,
	types.QueryExecutionStateFailed:    execution.Failed,
	types.QueryExecutionStateCancelled: execution.Cancelled,
}

// Look implements execution.Service.
func (a *Athena) Look(ctx context.Context, id execution.ID) (execution.Execution, error) {
	out, err := a.client.GetQueryExecution(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: sdk.String(string(id))})
	if err != nil {
		return execution.Execution{}, translateAthena(err)
	}
	var x execution.Execution
	if s := out.QueryExecution.Status; s != nil {
		x.State, x.Reason = executionStates[s.State], sdk.ToString(s.StateChangeReason)
	}
	if s := out.QueryExecution.Statistics; s != nil {
		x.Scanned = sdk.ToInt64(s.DataScannedInBytes)
	}
	x.Limited = x.State == execution.Cancelled && strings.Contains(x.Reason, "Bytes scanned limit was exceeded")
	x.Greedy = x.State == execution.Failed && (strings.Contains(x.Reason, "exhausted resources") || strings.Contains(x.Reason, "timeout") || strings.Contains(x.Reason, "EXCEEDED_"))
	return x, nil
}

// Fetch implements execution.Service. The first row of the first page is the names.
func (a *Athena) Fetch(ctx context.Context, id execution.ID, token string) (execution.Page, error) {
	in := &athena.GetQueryResultsInput{QueryExecutionId: sdk.String(string(id))}
	if token != "" {
		in.NextToken = &token
	}
	out, err := a.client.GetQueryResults(ctx, in)
	if err != nil {
		return execution.Page{}, translateFetch(err)
	}
	rows := out.ResultSet.Rows
	if token == "" {
		if len(rows) == 0 {
			return execution.Page{}, fault.New(fault.Internal, "athena_no_names", "an answer of Athena has no row of names")
		}
		rows = rows[1:]
	}
	page := execution.Page{Rows: make([][]*string, len(rows)), Next: sdk.ToString(out.NextToken)}
	for i, row := range rows {
		page.Rows[i] = make([]*string, len(row.Data))
		for j, datum := range row.Data {
			page.Rows[i][j] = datum.VarCharValue
		}
	}
	return page, nil
}

// translateFetch tells an answer that expired, or that was never written, from requests
// that are wrong: Athena calls both the same.
func translateFetch(err error) error {
	var invalid *types.InvalidRequestException
	if errors.As(err, &invalid) && strings.Contains(strings.ToLower(sdk.ToString(invalid.Message)), "could not find results") {
		return faultOf("athena", fault.NotFound, err)
	}
	return translateAthena(err)
}

// translateAthena takes throttling for what it is to a caller: not their rate is too
// high, but the account's.
func translateAthena(err error) error {
	if err != nil && kindOf(err) == fault.Throttled {
		return faultOf("athena", fault.Unavailable, err)
	}
	return translate("athena", err)
}

// Stop implements execution.Service.
func (a *Athena) Stop(ctx context.Context, id execution.ID) error {
	_, err := a.client.StopQueryExecution(ctx, &athena.StopQueryExecutionInput{QueryExecutionId: sdk.String(string(id))})
	return translateAthena(err)
}
