// Package ingest holds the endpoints that take events: Tarn's own and those that
// Segment-compatible SDKs send to. They identify their callers themselves, because a
// write key may stand in the body.
package ingest

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/ingest/segmentapi"
	"github.com/tarnhq/tarn/shared/quota"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// Deps is what the endpoints need.
type Deps struct {
	Authenticator *access.Authenticator
	Datasets      *dataset.Cache
	Producer      *ingest.Producer
	Salts         *fieldrule.Salts
	Now           func() time.Time
}

// defaultDataset takes the events of Segment-compatible calls with a key that is
// bound to no dataset.
const defaultDataset dataset.Name = "events"

// handler serves the endpoints.
type handler struct {
	Deps
	server   *api.Server
	decoders sync.Pool // of *ingest.Decoder
	tracks   sync.Pool // of *segmentapi.Decoder
}

// Register serves the endpoints.
func Register(s *api.Server, d Deps) {
	h := &handler{Deps: d, server: s}
	h.decoders.New = func() any { return new(ingest.Decoder) }
	h.tracks.New = func() any { return new(segmentapi.Decoder) }
	api.Raw(s, route.SendEvents, []sentEvent{}, receipt{}, h.send)
	for _, rt := range route.Track {
		call := callOf(rt.Path)
		api.Raw(s, rt, map[string]any{}, trackAnswer{}, func(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
			return h.track(w, r, rt, call)
		})
	}
}

// callOf names the Segment call of a path.
func callOf(path string) segmentapi.Call {
	call := segmentapi.Call(path[strings.LastIndexByte(path, '/')+1:])
	if call == "b" {
		return segmentapi.Batch
	}
	return call
}

func (h *handler) send(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
	caller, err := h.Authenticator.Identify(r)
	if err != nil {
		return err
	}
	if err := h.server.Identified(r, route.SendEvents, caller); err != nil {
		return err
	}
	into, err := h.Datasets.Get(r.Context(), caller.Tenant, dataset.Name(r.PathValue(route.DatasetParam)))
	if err != nil {
		return err
	}
	body, err := read(r)
	if err != nil {
		return err
	}
	defer body.Release()
	decoder := h.decoders.Get().(*ingest.Decoder)
	defer h.decoders.Put(decoder)
	sent, err := h.take(w, r, caller, into, func(arrived int64) ([]events.Event, error) { return decoder.Decode(body.Bytes, arrived) })
	if err != nil {
		return err
	}
	return writeAnswer(w, sent)
}

func read(r *http.Request) (*ingest.Body, error) {
	return ingest.ReadBody(r.Body, r.Header, ingest.Limits{Sent: route.MaxIngest, Plain: route.MaxIngest})
}

// take decodes the events of a request and stores them, by the rules for their fields.
// When it returns them, they may be acknowledged.
func (h *handler) take(w http.ResponseWriter, r *http.Request, caller access.Principal, into dataset.Dataset, decode func(arrived int64) ([]events.Event, error)) ([]events.Event, error) {
	if into.Kind != dataset.Events {
		return nil, fault.New(fault.Invalid, "not_an_events_dataset", "dataset %q is a table and takes no events", into.Name).
			WithHint("send them to a dataset of kind events")
	}
	arrived := h.Now().UnixMicro()
	sent, err := decode(arrived)
	if err != nil {
		return nil, err
	}
	if err := h.Salts.Apply(r.Context(), caller.Tenant, into.Settings.Fields, sent); err != nil {
		return nil, err
	}
	var position snapshot.Position
	if len(sent) > 0 {
		if err := h.server.Use(r.Context(), caller, quota.Use{quota.Events: int64(len(sent))}); err != nil {
			return nil, err
		}
		batch := ingest.Batch{Tenant: caller.Tenant, Dataset: into.ID, Arrived: arrived, Events: sent}
		if position, err = h.Producer.Put(r.Context(), batch); err != nil {
			return nil, err
		}
	}
	w.Header().Set("Tarn-Version", position.String())
	w.Header().Set("Content-Type", "application/json")
	return sent, nil
}

// trackAnswer is what Segment-compatible SDKs expect.
type trackAnswer struct {
	Success bool `json:"success"`
}

// track serves a Segment-compatible call: the events go to the dataset that the key
// is bound to.
func (h *handler) track(w http.ResponseWriter, r *http.Request, rt route.Route, call segmentapi.Call) error {
	body, err := read(r)
	if err != nil {
		return err
	}
	defer body.Release()
	caller, err := h.sender(r, body.Bytes)
	if err != nil {
		return err
	}
	if err := h.server.Identified(r, rt, caller); err != nil {
		return err
	}
	into, err := h.bound(r, caller)
	if err != nil {
		return err
	}
	decoder := h.tracks.Get().(*segmentapi.Decoder)
	defer h.tracks.Put(decoder)
	if _, err := h.take(w, r, caller, into, func(arrived int64) ([]events.Event, error) { return decoder.Decode(call, body.Bytes, arrived) }); err != nil {
		return err
	}
	_, err = w.Write([]byte(`{"success":true}`))
	return err
}

// sender identifies the caller by the header, or by the write key in the body.
func (h *handler) sender(r *http.Request, body []byte) (access.Principal, error) {
	caller, err := h.Authenticator.Identify(r)
	if err != nil || !caller.IsNobody() {
		return caller, err
	}
	if key := segmentapi.WriteKey(body); key != "" {
		return h.Authenticator.IdentifyKey(r.Context(), key)
	}
	return access.Principal{}, nil
}

// bound returns the dataset of a Segment-compatible call.
func (h *handler) bound(r *http.Request, caller access.Principal) (dataset.Dataset, error) {
	if caller.Dataset != "" {
		return h.Datasets.Get(r.Context(), caller.Tenant, caller.Dataset)
	}
	return h.Datasets.GetOrCreate(r.Context(), caller.Tenant, defaultDataset)
}
