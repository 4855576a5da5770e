// Package ingest holds the endpoints that take events: Tarn's own, and those of the
// protocols that producers speak already (protocol). They identify their callers
// themselves, because a write key may stand in the body.
package ingest

import (
	"net/http"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/quota"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// Deps is what the endpoints need.
type Deps struct {
	Authenticator *access.Authenticator
	Datasets      *dataset.Cache
	Producer      *ingest.Producer
	Enricher      *enrich.Enricher
	Now           func() time.Time
}

// defaultDataset takes the events of a key that is bound to no dataset, where the
// protocol names none.
const defaultDataset dataset.Name = "events"

// keyParam is the query parameter that may hold the write key wherever a protocol lets it
// stand outside of the header: an address is the one thing that every producer can be told.
const keyParam = "write_key"

// handler serves the endpoints.
type handler struct {
	Deps
	server *api.Server
}

// Register serves the endpoints.
func Register(s *api.Server, d Deps) {
	h := &handler{Deps: d, server: s}
	for _, p := range protocols() {
		api.Raw(s, p.route, p.accepts, p.returns, func(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
			return h.serve(p, w, r)
		})
	}
}

// serve takes the events of a request and tells their producer, in its own way.
func (h *handler) serve(p protocol, w http.ResponseWriter, r *http.Request) error {
	m := message{Request: r}
	err := h.receive(p, w, &m)
	if err == nil || p.refuse == nil {
		return err
	}
	problem := api.ProblemOf(err)
	for name, values := range problem.GetHeaders() {
		w.Header()[name] = values
	}
	if failed := p.refuse(w, m, problem); failed != nil {
		return failed
	}
	return err // for the log: the answer is written
}

func (h *handler) receive(p protocol, w http.ResponseWriter, m *message) error {
	caller, err := h.Authenticator.Identify(m.Request)
	if err != nil {
		return err
	}
	if p.key == nil { // a stranger's body is not even read
		if err := h.identified(p, m.Request, caller); err != nil {
			return err
		}
	}
	body, err := ingest.ReadBody(m.Body, m.Header, ingest.Limits{Sent: route.MaxIngest, Plain: route.MaxIngest})
	if err != nil {
		return err
	}
	defer body.Release()
	m.body = body.Bytes
	if p.key != nil {
		if caller, err = h.sender(p, *m, caller); err != nil {
			return err
		}
		if err := h.identified(p, m.Request, caller); err != nil {
			return err
		}
	}
	if p.decode == nil {
		w.Header().Set("Content-Type", "application/json")
		return p.answer(w, *m, nil)
	}
	into, err := h.into(p, m.Request, caller)
	if err != nil {
		return err
	}
	m.into, m.arrived = into.Name, h.Now().UnixMicro()
	sent, done, err := p.decode(*m)
	defer done()
	if err != nil {
		return err
	}
	p.browser.Flag(m.Header, sent)
	if err := h.store(w, *m, caller, into, sent); err != nil {
		return err
	}
	return p.answer(w, *m, sent)
}

// identified authorizes a caller for where the events of a request go.
func (h *handler) identified(p protocol, r *http.Request, caller access.Principal) error {
	return h.server.Identified(r, p.route, caller, p.target(r, caller))
}

// sender identifies a caller whom the header does not name by the key in the address or
// in the body.
func (h *handler) sender(p protocol, m message, caller access.Principal) (access.Principal, error) {
	if !caller.IsNobody() {
		return caller, nil
	}
	key := m.URL.Query().Get(keyParam)
	if key == "" {
		key = p.key(m)
	}
	if key == "" {
		return caller, nil
	}
	return h.Authenticator.IdentifyKey(m.Context(), key)
}

// into returns the dataset that the events of a request go to.
func (h *handler) into(p protocol, r *http.Request, caller access.Principal) (into dataset.Dataset, err error) {
	switch name := p.target(r, caller); {
	case name == "":
		into, err = h.Datasets.GetOrCreate(r.Context(), caller.Tenant, defaultDataset)
	case p.create && caller.Allow(access.CreateDataset, name, h.Now()) == nil:
		into, err = h.Datasets.GetOrCreate(r.Context(), caller.Tenant, name)
	default:
		into, err = h.Datasets.Get(r.Context(), caller.Tenant, name)
	}
	if err == nil && into.Kind != dataset.Events {
		err = fault.New(fault.Invalid, "not_an_events_dataset", "dataset %q is a table and takes no events", into.Name).
			WithHint("send them to a dataset of kind events")
	}
	return into, err
}

// store puts events on the stream, as the owner of their dataset declared. Once it returns, they
// may be acknowledged.
func (h *handler) store(w http.ResponseWriter, m message, caller access.Principal, into dataset.Dataset, sent []events.Event) error {
	enrichment, err := h.Enricher.Prepare(m.Context(), caller.Tenant, into, sent)
	if err != nil {
		return err
	}
	var position snapshot.Position
	if len(sent) > 0 {
		if err := h.server.Use(m.Context(), caller, quota.Use{quota.Events: int64(len(sent))}); err != nil {
			return err
		}
		batch := ingest.Batch{Tenant: caller.Tenant, Dataset: into.ID, Arrived: m.arrived, Events: sent, Enrichment: enrichment}
		if position, err = h.Producer.Put(m.Context(), batch); err != nil {
			return err
		}
	}
	w.Header().Set("Tarn-Version", position.String())
	w.Header().Set("Content-Type", "application/json")
	return nil
}
