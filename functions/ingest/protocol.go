package ingest

import (
	"net/http"
	"slices"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/ingest/bot"
	"github.com/tarnhq/tarn/shared/route"
)

// protocol is how producers of one kind speak at one endpoint. What it leaves out is as
// Tarn's own has it: the key stands in the header alone and says which dataset, and an
// error is a problem document.
type protocol struct {
	route            route.Route
	accepts, returns any // examples of the bodies, for the API reference

	// key returns the write key where producers put it elsewhere than into the header;
	// empty: it is not there. It is asked only where the header names nobody.
	key func(message) string

	// dataset names where the events go; empty: the key says.
	dataset func(*http.Request) dataset.Name

	// create has a dataset that is not there made on first use, for a caller who may do so.
	create bool

	// decode returns the events of a request. Those that can never be stored are among
	// them, with Refused set. They may share memory with the request and with what is
	// given back to a pool by done, which is called when nobody needs them any more. Nil: it
	// has none, and is answered as soon as its sender is known.
	decode func(message) (sent []events.Event, done func(), err error)

	// browser says where events tell of the browser that they come from, so that those of
	// bots are flagged; the zero Rule: they come from servers.
	browser bot.Rule

	// answer tells the producer that its events are stored. The header says
	// application/json already.
	answer func(w http.ResponseWriter, m message, sent []events.Event) error

	// refuse tells the producer of a problem, whose headers are set already.
	refuse func(w http.ResponseWriter, m message, p *api.Problem) error
}

// message is a request as a protocol sees it.
type message struct {
	*http.Request
	body    []byte       // decompressed
	into    dataset.Name // where its events go
	arrived int64        // UTC microseconds
}

// protocols lists what is spoken.
func protocols() []protocol {
	return slices.Concat([]protocol{own(), cloudEvents()}, segment(), postHog(), []protocol{tinybirdEvents()}, telemetry(), []protocol{remoteWrite(), snowplowTracker(), snowplowPixel(), umamiTracker(), umamiBatch(), plausibleTracker()})
}

// inAddress is the key of protocols that have no place for one: it stands in the header or
// the address.
func inAddress(message) string { return "" }

// target names where the events of a request go; empty: to the default dataset.
func (p protocol) target(r *http.Request, caller access.Principal) dataset.Name {
	if p.dataset != nil {
		if name := p.dataset(r); name != "" {
			return name
		}
	}
	return caller.Dataset
}
