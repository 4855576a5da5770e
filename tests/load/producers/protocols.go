package main

import (
	"fmt"
	"strings"
)

// protocol is how events are sent to one endpoint.
type protocol struct {
	name    string
	path    string // {dataset} is the dataset's name
	header  string // lines; empty: of JSON
	decoder string // the name of its benchmark
	body    func(dst []byte, key string, all []event) []byte
	one     string // the path of requests of one event, where that is another
	keyed   bool   // the body holds the write key
	single  bool   // a request has one event
}

func (p protocol) batches() []int {
	if p.single {
		return []int{1}
	}
	return []int{100, 1}
}

func (p protocol) at(dataset string, batch int) string {
	if batch == 1 && p.one != "" {
		return p.one
	}
	return strings.ReplaceAll(p.path, "{dataset}", dataset)
}

const (
	browser  = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n"
	asJSON   = "Content-Type: application/json\r\n"
	protobuf = "Content-Type: application/x-protobuf\r\n"
)

var protocols = []protocol{
	{name: "Tarn's own", path: "/v1/datasets/{dataset}/events", decoder: "ingest/batch=100", body: own},
	{name: "Segment", path: "/v1/batch", decoder: "segmentapi", body: segment},
	{name: "PostHog, capture v0", path: "/batch/", decoder: "posthog", body: postHog, keyed: true},
	{name: "PostHog, capture v1", path: "/i/v1/analytics/events", decoder: "posthog", body: postHogV1},
	{name: "CloudEvents, batch", path: "/v1/cloudevents", header: "Content-Type: application/cloudevents-batch+json\r\n", decoder: "cloudevents", body: cloudEvents},
	{name: "Tinybird", path: "/v0/events?wait=true", header: "Content-Type: application/x-ndjson\r\n", decoder: "tinybird", body: tinybird},
	{name: "OTLP logs, protobuf", path: "/v1/logs", header: protobuf, decoder: "otlp/logs/protobuf", body: logs},
	{name: "OTLP logs, JSON", path: "/v1/logs", decoder: "otlp/logs/JSON", body: logsJSON},
	{name: "OTLP metrics, protobuf", path: "/v1/metrics", header: protobuf, decoder: "otlp/metrics/protobuf", body: points},
	{name: "OTLP metrics, JSON", path: "/v1/metrics", decoder: "otlp/metrics/JSON", body: pointsJSON},
	{name: "OTLP traces, protobuf", path: "/v1/traces", header: protobuf, decoder: "otlp/traces/protobuf", body: spans},
	{name: "OTLP traces, JSON", path: "/v1/traces", decoder: "otlp/traces/JSON", body: spansJSON},
	{name: "Prometheus remote write 2", path: "/api/v1/write", decoder: "remotewrite", body: samples,
		header: "Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request\r\nContent-Encoding: snappy\r\n"},
	{name: "Snowplow", path: "/com.snowplowanalytics.snowplow/tp2", decoder: "snowplow", body: snowplow},
	{name: "Umami", path: "/api/batch", one: "/api/send", header: asJSON + browser, decoder: "umami/batch", body: umami, keyed: true},
	{name: "Plausible", path: "/api/event", header: "Content-Type: text/plain\r\n" + browser, decoder: "plausible", body: plausible, keyed: true, single: true},
}

// joined appends events with a comma between them.
func joined(dst []byte, all []event, one func(dst []byte, e event) []byte) []byte {
	for i, e := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = one(dst, e)
	}
	return dst
}

func own(dst []byte, _ string, all []event) []byte {
	return append(joined(append(dst, '['), all, func(dst []byte, e event) []byte {
		return fmt.Appendf(dst, `{"event_id":"%s","event":"product viewed","time":"%s","user_id":"%s","properties":{"url":"%s","sku":"%s","price":%.2f}}`, e.id, e.text(), e.user, e.url, e.sku, e.price)
	}), ']')
}

func segment(dst []byte, key string, all []event) []byte {
	dst = joined(append(dst, `{"batch":[`...), all, func(dst []byte, e event) []byte {
		return fmt.Appendf(dst, `{"timestamp":"%s","integrations":{},"event":"product viewed","type":"track","properties":{"url":"%s","sku":"%s","price":%.2f},"context":{"library":{"name":"@segment/analytics-node","version":"3.1.0"}},"userId":"%s","messageId":"%s"}`, e.text(), e.url, e.sku, e.price, e.user, e.id)
	})
	return fmt.Appendf(dst, `],"writeKey":"%s","sentAt":"%s"}`, key, all[0].text())
}

func postHog(dst []byte, key string, all []event) []byte {
	dst = joined(fmt.Appendf(dst, `{"api_key":"%s","batch":[`, key), all, func(dst []byte, e event) []byte {
		return fmt.Appendf(dst, `{"distinct_id":"%s","event":"product viewed","properties":{"url":"%s","sku":"%s","price":%.2f,"$lib":"posthog-node","$lib_version":"5.70.0"},"timestamp":"%s","uuid":"%s"}`, e.user, e.url, e.sku, e.price, e.text(), e.id)
	})
	return fmt.Appendf(dst, `],"sent_at":"%s"}`, all[0].text())
}

func postHogV1(dst []byte, _ string, all []event) []byte {
	dst = joined(fmt.Appendf(dst, `{"created_at":"%s","batch":[`, all[0].text()), all, func(dst []byte, e event) []byte {
		return fmt.Appendf(dst, `{"distinct_id":"%s","event":"product viewed","properties":{"url":"%s","sku":"%s","price":%.2f},"options":{},"timestamp":"%s","uuid":"%s"}`, e.user, e.url, e.sku, e.price, e.text(), e.id)
	})
	return append(dst, `]}`...)
}

func cloudEvents(dst []byte, _ string, all []event) []byte {
	return append(joined(append(dst, '['), all, func(dst []byte, e event) []byte {
		return fmt.Appendf(dst, `{"specversion":"1.0","id":"%s","source":"/shop","type":"product viewed","subject":"%s","datacontenttype":"application/json","time":"%s","data":{"url":"%s","sku":"%s","price":%.2f}}`, e.id, e.user, e.text(), e.url, e.sku, e.price)
	}), ']')
}

func tinybird(dst []byte, _ string, all []event) []byte {
	for _, e := range all {
		dst = fmt.Appendf(dst, `{"timestamp":"%s","event":"product viewed","event_id":"%s","user_id":"%s","url":"%s","sku":"%s","price":%.2f}`+"\n", e.text(), e.id, e.user, e.url, e.sku, e.price)
	}
	return dst
}

func umami(dst []byte, key string, all []event) []byte {
	one := func(dst []byte, e event) []byte {
		return fmt.Appendf(dst, `{"type":"event","payload":{"website":"%s","name":"product viewed","url":"%s","hostname":"shop.example","language":"de-CH","screen":"1920x1080","data":{"sku":"%s","price":%.2f}}}`, key, e.url, e.sku, e.price)
	}
	if len(all) == 1 {
		return one(dst, all[0])
	}
	return append(joined(append(dst, '['), all, one), ']')
}

func plausible(dst []byte, key string, all []event) []byte {
	e := all[0]
	return fmt.Appendf(dst, `{"n":"product viewed","u":"https://shop.example%s","d":"%s","r":null,"w":1920,"h":0,"p":"{\"sku\":\"%s\",\"price\":%.2f}"}`, e.url, key, e.sku, e.price)
}
