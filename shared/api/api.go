// Package api serves the rows of the route table over net/http. Every endpoint,
// whether a typed huma operation or one that reads its own body, goes through one
// guard: identify the caller, authorize the action, bound the body and the time,
// map errors to problem documents, write one access line.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/quota"
	"github.com/tarnhq/tarn/shared/route"
)

// Deadline is how long a request may take. API Gateway gives up at 30 seconds.
const Deadline = 29 * time.Second

// Identify tells who sent a request. It returns fault.Unauthenticated for a
// credential that is unknown, revoked or expired, and the zero Principal where
// there is none.
type Identify func(*http.Request) (access.Principal, error)

// Granted tells what was granted to a caller on single datasets and saved queries.
type Granted func(context.Context, access.Principal) ([]access.Granted, error)

// Server collects endpoints and serves them.
type Server struct {
	identify Identify
	now      func() time.Time
	log      *slog.Logger
	meter    *quota.Meter
	granted  Granted
	web      Web
	mux      *http.ServeMux
	huma     huma.API
	served   map[string]bool // patterns
	audit    *audit.Store    // may be nil
}

// adopt has huma's errors be problem documents of ours. Huma has one place for that.
var adopt = sync.OnceFunc(func() { huma.NewError = humaError })

// New makes a server without endpoints.
func New(identify Identify, now func() time.Time, log *slog.Logger) *Server {
	adopt()
	config := huma.DefaultConfig("Tarn", "1")
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil // no "$schema" in answers
	config.Info.Description = "Events, files and tables go in; exact answers come out."
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "an API key, or an access token of the sign-in"},
		"basic":  {Type: "http", Scheme: "basic", Description: "an API key as the user name, as Segment-compatible SDKs send it"},
	}
	s := &Server{identify: identify, now: now, log: log, mux: http.NewServeMux(), served: map[string]bool{}}
	s.huma = humago.New(unguarded{s}, config)
	s.mux.HandleFunc("/", s.unknown)
	return s
}

// Grants has callers do what was granted to them beside what their roles let them do.
func (s *Server) Grants(of Granted) { s.granted = of }

// Meter has the use of every caller counted, and refused past its limits.
func (s *Server) Meter(m *quota.Meter) { s.meter = m }

// schemaName names a type in the OpenAPI document by its package and its own name:
// dataset.Column and query.Column are two schemas. A type that is its package's
// subject goes without: dataset.Dataset is Dataset.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	pkg := path.Base(t.PkgPath())
	if t.Name() == "" || pkg == "" || pkg == "." || strings.EqualFold(pkg, t.Name()) {
		return name
	}
	return strings.ToUpper(pkg[:1]) + pkg[1:] + name
}

// unguarded lets huma register on the mux; Handle has already guarded what it registers.
type unguarded struct{ s *Server }

func (u unguarded) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	u.s.mux.HandleFunc(pattern, h)
}
func (u unguarded) ServeHTTP(w http.ResponseWriter, r *http.Request) { u.s.mux.ServeHTTP(w, r) }

// guardMux registers one route's handler behind the guard.
type guardMux struct {
	s *Server
	r route.Route
}

func (g guardMux) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	g.s.mount(g.r, func(w http.ResponseWriter, r *http.Request) error {
		r.Header.Set("Content-Type", "application/json") // whatever curl -d calls it
		h(w, r)
		return nil
	})
}
func (g guardMux) ServeHTTP(http.ResponseWriter, *http.Request) {}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.web.serve(w, r) {
		return
	}
	if err := checkPath(r.URL); err != nil {
		ProblemOf(err).write(w)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// Mount serves a handler that is no endpoint of the table: the console, the
// sign-in pages. It is open to anyone and looks after itself.
func (s *Server) Mount(pattern string, h http.Handler) { s.mux.Handle(pattern, h) }

// Serves reports whether the route has a handler.
func (s *Server) Serves(r route.Route) bool { return s.served[r.Pattern()] }

// Handle serves a route by a typed operation. In and Out are huma's input and
// output structs: path, query and header parameters as tagged fields, Body the body.
func Handle[In, Out any](s *Server, r route.Route, h func(ctx context.Context, caller access.Principal, in *In) (*Out, error)) {
	op := operation(r)
	op.MaxBodyBytes = maxBody(r)
	guarded := apiOn{API: s.huma, adapter: humago.NewAdapter(guardMux{s, r}, "")}
	huma.Register(guarded, op, func(ctx context.Context, in *In) (*Out, error) {
		out, err := h(ctx, Caller(ctx), in)
		if err != nil {
			note(ctx, err)
			return nil, ProblemOf(err)
		}
		return out, nil
	})
}

// apiOn is huma's API with another place to register handlers.
type apiOn struct {
	huma.API
	adapter huma.Adapter
}

func (a apiOn) Adapter() huma.Adapter { return a.adapter }

// Raw serves a route by a handler that reads the body itself: hot ones, and those
// whose answer is not JSON. accepts and returns are examples of the body types for
// the OpenAPI document; nil means none.
func Raw(s *Server, r route.Route, accepts, returns any, h func(w http.ResponseWriter, r *http.Request, caller access.Principal) error) {
	op := operation(r)
	registry := s.huma.OpenAPI().Components.Schemas
	if accepts != nil {
		op.RequestBody = &huma.RequestBody{Required: !r.Optional, Content: media(registry, accepts, r.Accepts)}
	}
	ok := &huma.Response{Description: http.StatusText(r.Status)}
	if returns != nil {
		ok.Content = media(registry, returns, r.Answers)
	}
	op.Responses = map[string]*huma.Response{strconv.Itoa(r.Status): ok,
		"default": {Description: "Error", Content: map[string]*huma.MediaType{"application/problem+json": {Schema: registry.Schema(reflect.TypeFor[Problem](), true, "")}}}}
	for _, name := range params(r.Path) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "path", Required: true, Example: "web", Schema: &huma.Schema{Type: "string"}})
	}
	for _, p := range r.Params {
		op.Parameters = append(op.Parameters, &huma.Param{Name: p.Name, In: "query", Description: p.Doc, Example: p.Example, Schema: &huma.Schema{Type: "string"}})
	}
	s.huma.OpenAPI().AddOperation(&op)
	s.mount(r, func(w http.ResponseWriter, req *http.Request) error {
		req.Body = http.MaxBytesReader(w, req.Body, maxBody(r))
		return h(w, req, Caller(req.Context()))
	})
}

// Body reads the body of a request to a route that Raw serves. One past the route's
// limit is fault.TooLarge.
func Body(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, fault.New(fault.TooLarge, "body_too_large", "the body of this request has at most %d bytes", over.Limit)
	case err != nil:
		return nil, fault.New(fault.Invalid, "bad_body", "the body could not be read").Because(err)
	}
	return body, nil
}

// OrText says in the document that a value of a type, which a body registered before
// holds, may be a text as well; doc tells what the text is short for.
func OrText(s *Server, example any, doc string) {
	registry := s.huma.OpenAPI().Components.Schemas
	schema := registry.SchemaFromRef(registry.Schema(reflect.TypeOf(example), true, "").Ref)
	full := *schema
	*schema = huma.Schema{OneOf: []*huma.Schema{{Type: "string", Description: doc}, &full}}
}

// media describes a body: as JSON or a form by an example of its type, and as text
// otherwise.
func media(registry huma.Registry, example any, others []string) map[string]*huma.MediaType {
	schema := registry.Schema(reflect.TypeOf(example), true, "")
	if slices.Contains(others, route.FormBody) {
		return map[string]*huma.MediaType{route.FormBody: {Schema: schema}}
	}
	out := map[string]*huma.MediaType{"application/json": {Schema: schema}}
	for _, name := range others {
		out[name] = &huma.MediaType{Schema: &huma.Schema{Type: "string"}}
	}
	return out
}

func params(pattern string) (names []string) {
	for part := range strings.SplitSeq(pattern, "/") {
		if strings.HasPrefix(part, "{") {
			names = append(names, strings.Trim(part, "{}"))
		}
	}
	return names
}

func maxBody(r route.Route) int64 {
	if r.MaxBody == 0 {
		return 1 << 20
	}
	return r.MaxBody
}

func operation(r route.Route) huma.Operation {
	op := huma.Operation{OperationID: r.ID, Method: r.Method, Path: r.Path, Summary: r.Summary, Tags: []string{r.Tag}, DefaultStatus: r.Status}
	switch {
	case r.Action == "":
		op.Security = []map[string][]string{}
	case r.Producer:
		op.Security = []map[string][]string{{"bearer": {}}, {"basic": {}}}
	default:
		op.Security = []map[string][]string{{"bearer": {}}}
	}
	return op
}

// OpenAPI returns the document of everything registered, indented.
func (s *Server) OpenAPI() ([]byte, error) {
	doc := s.huma.OpenAPI()
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	return json.MarshalIndent(tree, "", "  ") // through a map: keys sorted, so that the golden file is stable
}

// humaError is how huma reports a request that does not fit its types.
func humaError(status int, message string, errs ...error) huma.StatusError {
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest
	}
	code := "invalid_request"
	switch status {
	case http.StatusRequestEntityTooLarge:
		code = "too_large"
	case http.StatusInternalServerError:
		return ProblemOf(fault.New(fault.Internal, "internal", "internal"))
	}
	p := problem(status, code, message)
	for _, err := range errs {
		if d, ok := err.(huma.ErrorDetailer); ok {
			p.Errors = append(p.Errors, Detail{Location: d.ErrorDetail().Location, Message: d.ErrorDetail().Message})
		} else if err != nil {
			p.Errors = append(p.Errors, Detail{Message: err.Error()})
		}
	}
	return p
}

// datasetOf returns the dataset that a request's path names, or none.
func datasetOf(r *http.Request) dataset.Name { return dataset.Name(r.PathValue(route.DatasetParam)) }
