package aws

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// athenaServer answers as Athena does, as far as it is asked here.
type athenaServer struct {
	t *testing.T

	mu         sync.Mutex
	busy       int                // requests that are throttled first
	lives      []athenaLife       // what becomes of executions, in turn; then they succeed
	rows       [][]*string        // of every answer
	tokens     map[string]request // by token
	executions []*athenaRun
	stopped    []string
}

type request struct{ statement, workgroup, id string }

// athenaLife is what an execution does.
type athenaLife struct {
	states  []string // one for each look; the last one stays
	reason  string
	expired bool // its answer is not kept any more
}

type athenaRun struct {
	athenaLife
	looks int
}

type athenaRequest struct {
	QueryString, WorkGroup, ClientRequestToken, QueryExecutionId, NextToken string
}

func (s *athenaServer) start(t *testing.T) Account {
	s.t, s.tokens = t, map[string]request{}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return Account{sdk.Config{
		Region: "eu-central-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
		Retryer: func() sdk.Retryer { return repeatable() }, HTTPClient: unkept,
	}}
}

func (s *athenaServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in athenaRequest
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		s.t.Error(err)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	answer, refusal := s.do(strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonAthena."), in)
	if refusal != "" {
		code, message, _ := strings.Cut(refusal, ": ")
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]any{"__type": code, "Message": message}
	}
	_ = json.NewEncoder(w).Encode(answer) // the client tells
}

func (s *athenaServer) do(action string, in athenaRequest) (answer map[string]any, refusal string) {
	if s.busy > 0 {
		s.busy--
		return nil, "TooManyRequestsException: You have exceeded the limit for the number of queries you can run concurrently."
	}
	if action == "StartQueryExecution" {
		return s.startQuery(in)
	}
	n, err := strconv.Atoi(in.QueryExecutionId)
	if err != nil || n >= len(s.executions) {
		return nil, "InvalidRequestException: QueryExecution " + in.QueryExecutionId + " was not found"
	}
	run := s.executions[n]
	switch action {
	case "GetQueryExecution":
		state := run.states[min(run.looks, len(run.states)-1)]
		run.looks++
		return map[string]any{"QueryExecution": map[string]any{
			"Status":     map[string]any{"State": state, "StateChangeReason": run.reason},
			"Statistics": map[string]any{"DataScannedInBytes": 12_345_678_901},
		}}, ""
	case "GetQueryResults":
		return s.results(run, in.NextToken)
	case "StopQueryExecution":
		s.stopped = append(s.stopped, in.QueryExecutionId)
		run.states = []string{"CANCELLED"}
		return map[string]any{}, ""
	}
	return nil, "UnknownOperationException: " + action
}

func (s *athenaServer) startQuery(in athenaRequest) (map[string]any, string) {
	if n := len(in.ClientRequestToken); n < 32 || n > 128 {
		return nil, "InvalidRequestException: clientRequestToken failed to satisfy constraint"
	}
	was, known := s.tokens[in.ClientRequestToken]
	if known && (was.statement != in.QueryString || was.workgroup != in.WorkGroup) {
		return nil, "InvalidRequestException: Idempotent parameters do not match"
	}
	if !known {
		was = request{in.QueryString, in.WorkGroup, fmt.Sprint(len(s.executions))}
		s.tokens[in.ClientRequestToken] = was
		life := athenaLife{states: []string{"SUCCEEDED"}}
		if len(s.lives) > 0 {
			life, s.lives = s.lives[0], s.lives[1:]
		}
		s.executions = append(s.executions, &athenaRun{athenaLife: life})
	}
	return map[string]any{"QueryExecutionId": was.id}, ""
}

// results gives pages of two rows, the names being one.
func (s *athenaServer) results(run *athenaRun, token string) (map[string]any, string) {
	if run.states[len(run.states)-1] != "SUCCEEDED" {
		return nil, "InvalidRequestException: Query did not finish successfully"
	}
	if run.expired {
		return nil, "InvalidRequestException: Could not find results"
	}
	names := make([]*string, len(s.rows[0]))
	for i := range names {
		names[i] = sdk.String(fmt.Sprint("v", i))
	}
	all := append([][]*string{names}, s.rows...)
	from, _ := strconv.Atoi(token)
	to := min(from+2, len(all))
	var page []map[string]any
	for _, row := range all[from:to] {
		data := make([]map[string]any, len(row))
		for i, cell := range row {
			data[i] = map[string]any{}
			if cell != nil {
				data[i]["VarCharValue"] = *cell
			}
		}
		page = append(page, map[string]any{"Data": data})
	}
	out := map[string]any{"ResultSet": map[string]any{"Rows": page}}
	if to < len(all) {
		out["NextToken"] = fmt.Sprint(to)
	}
	return out, ""
}
