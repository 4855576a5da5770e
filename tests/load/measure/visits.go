package measure

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// VisitsBegan is midnight before the first visit.
var VisitsBegan = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// VisitSchema is that of the rows of Visits.
var VisitSchema = dataset.Schema{Version: 1, Columns: []dataset.Column{
	{Name: "country", Type: dataset.Text}, {Name: "device", Type: dataset.Text}, {Name: "url", Type: dataset.Text},
	{Name: "revenue", Type: dataset.Float}, {Name: "detail", Type: dataset.JSON},
}}

// Visits makes rows of events: a third of the people do two thirds of what happens, and
// pages have a Zipf tail.
type Visits struct {
	random *rand.Rand
	pages  *rand.Zipf
	users  int
	shape  *events.Shape
}

// NewVisits returns a source that repeats itself for the same seed.
func NewVisits(seed uint64, users int) *Visits {
	random := rand.New(rand.NewPCG(seed, 0x7461726e))
	names := make([]string, len(VisitSchema.Columns))
	for i, c := range VisitSchema.Columns {
		names[i] = c.Name
	}
	return &Visits{random: random, pages: rand.NewZipf(random, 1.1, 8, 20_000), users: users, shape: &events.Shape{Names: names}}
}

var (
	steps     = [...]string{"page_viewed", "page_viewed", "page_viewed", "product_viewed", "product_viewed", "bought"}
	countries = [...]string{"DE", "DE", "FR", "US", "US", "US", "CH", "IT", "JP"}
	devices   = [...]string{"phone", "phone", "desktop", "tablet"}
)

// Days makes n events of some days, from the first on, each at an instant of its own.
func (s *Visits) Days(first, days, n int) rows.Batch {
	b := rows.NewBuilder(VisitSchema, dataset.Keep)
	r := s.random
	begin := VisitsBegan.AddDate(0, 0, first).UnixMicro()
	apart := int64(days) * int64(24*time.Hour/time.Microsecond) / int64(n)
	for i := range n {
		user := int(float64(s.users) * r.Float64() * r.Float64())
		cents := r.IntN(10_000)
		b.Append(&events.Event{
			ID:   fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), r.IntN(1<<12), r.Uint64()>>16),
			Name: steps[r.IntN(len(steps))], UserID: fmt.Sprint("u", user), SessionID: fmt.Sprint("s", user, "-", first, "-", i*24*days/n),
			Time: begin + int64(i)*apart + r.Int64N(apart), Shape: s.shape,
			Values: []events.Value{
				{Kind: events.Text, Text: countries[r.IntN(len(countries))]}, {Kind: events.Text, Text: devices[r.IntN(len(devices))]},
				{Kind: events.Text, Text: fmt.Sprint("/p/", s.pages.Uint64())}, {Kind: events.Float, Float: float64(cents) / 100},
				{Kind: events.JSON, Text: fmt.Sprintf(`{"price":%d.%02d,"basket":%d}`, cents/100, cents%100, r.IntN(9))},
			},
		}, begin)
	}
	return b.View()
}
