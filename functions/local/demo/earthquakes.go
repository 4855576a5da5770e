package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/ingest"
)

var earthquakes = dataset.Spec{
	Name: "earthquakes", Kind: dataset.Events,
	Columns: []dataset.Column{
		{Name: "mag", Type: dataset.Float}, {Name: "place", Type: dataset.Text}, {Name: "type", Type: dataset.Text},
		{Name: "longitude", Type: dataset.Float}, {Name: "latitude", Type: dataset.Float}, {Name: "depth", Type: dataset.Float},
	},
	Settings: dataset.Settings{Description: "A week of earthquakes, 2018-01-31 to 2018-02-07: magnitude, and depth in kilometres. " +
		"From the United States Geological Survey, by way of vega-datasets."},
}

// properties are what a feature says of an earthquake beside its place and time.
var properties = []string{"mag", "magType", "place", "type", "status", "alert", "felt", "cdi", "mmi", "tsunami", "sig", "net", "nst", "dmin", "rms", "gap", "url"}

// feature is an earthquake in GeoJSON.
type feature struct {
	ID         string                     `json:"id"`
	Properties map[string]json.RawMessage `json:"properties"`
	Geometry   struct {
		Coordinates []json.RawMessage `json:"coordinates"` // longitude, latitude, depth
	} `json:"geometry"`
}

// event is an earthquake as the API takes it.
type event struct {
	ID         string                     `json:"event_id"`
	Event      string                     `json:"event"`
	Time       time.Time                  `json:"time"`
	Properties map[string]json.RawMessage `json:"properties"`
}

func (d Deps) loadEarthquakes(ctx context.Context, into dataset.Dataset, path string, p *progress) error {
	text, err := os.ReadFile(path) // #nosec G304 -- a file of the demo data
	if err != nil {
		return err
	}
	body, err := quakeBody(text)
	if err != nil {
		return err
	}
	arrived := d.Catalog.Now().UnixMicro()
	decoded, err := new(ingest.Decoder).Decode(body, arrived)
	if err != nil {
		return err
	}
	for _, e := range decoded {
		if e.Refused != (events.Refusal{}) {
			return fmt.Errorf("earthquake %s: %s", e.ID, e.Refused.Reason)
		}
	}
	p.begin(int64(len(decoded)))
	if _, err := d.Producer.Put(ctx, ingest.Batch{Tenant: d.Tenant, Dataset: into.ID, Arrived: arrived, Events: decoded}); err != nil {
		return err
	}
	p.finish(int64(len(decoded)))
	return nil
}

// quakeBody turns GeoJSON into the body of a request that sends events.
func quakeBody(text []byte) ([]byte, error) {
	var all struct {
		Features []feature `json:"features"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	sent := make([]event, len(all.Features))
	for i, f := range all.Features {
		var err error
		if sent[i], err = f.event(); err != nil {
			return nil, fmt.Errorf("earthquake %s: %w", f.ID, err)
		}
	}
	return json.Marshal(sent)
}

func (f feature) event() (event, error) {
	var millis int64
	if err := json.Unmarshal(f.Properties["time"], &millis); err != nil {
		return event{}, fmt.Errorf("time: %w", err)
	}
	if len(f.Geometry.Coordinates) != 3 {
		return event{}, fmt.Errorf("%d coordinates", len(f.Geometry.Coordinates))
	}
	e := event{ID: f.ID, Event: "earthquake", Time: time.UnixMilli(millis).UTC(), Properties: map[string]json.RawMessage{}}
	for i, name := range []string{"longitude", "latitude", "depth"} {
		e.Properties[name] = f.Geometry.Coordinates[i]
	}
	for _, name := range properties {
		if value, ok := f.Properties[name]; ok {
			e.Properties[name] = value
		}
	}
	return e, nil
}
