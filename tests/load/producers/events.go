package main

import (
	"encoding/base64"
	"fmt"
	"time"
)

// event is what all protocols tell of.
type event struct {
	number int64 // no other of the turn has it
	id     string
	at     time.Time
	user   string
	url    string
	sku    string
	price  float64
}

func (e event) text() string { return e.at.Format("2006-01-02T15:04:05.000Z") }

var began = time.Now().UTC().Truncate(time.Second)

// draw returns events of a connection by their numbers.
func draw(connection, from, n int) []event {
	all := make([]event, n)
	for i := range all {
		k := int64(connection)<<32 | int64(from+i)
		all[i] = event{number: k, id: fmt.Sprintf("6c1e9a34-7f0d-4f0e-8f5f-%012x", k), at: began.Add(time.Duration(from+i) * time.Millisecond / 10),
			user: fmt.Sprint("u", k*2654435761>>8%50_000), url: fmt.Sprint("/p/", k*2654435761>>9%1000), sku: fmt.Sprint("s", k%97), price: float64(k%10_000) / 100}
	}
	return all
}

func snowplow(dst []byte, _ string, all []event) []byte {
	dst = joined(append(dst, `{"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[`...), all, func(dst []byte, e event) []byte {
		told := fmt.Sprintf(`{"schema":"iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0","data":{"schema":"iglu:com.acme/product_viewed/jsonschema/1-0-0","data":{"sku":"%s","price":%.2f}}}`, e.sku, e.price)
		return fmt.Appendf(dst, `{"e":"ue","ue_px":"%s","eid":"%s","dtm":"%d","stm":"%d","tv":"node-4.8.0","aid":"shop","p":"srv","uid":"%s","url":"https://shop.example%s"}`,
			base64.RawURLEncoding.EncodeToString([]byte(told)), e.id, e.at.UnixMilli(), e.at.UnixMilli(), e.user, e.url)
	})
	return append(dst, `]}`...)
}
