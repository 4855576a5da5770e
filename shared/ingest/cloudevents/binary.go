package cloudevents

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

const (
	headerPrefix = "Ce-" // as net/http spells it
	contentType  = "datacontenttype"
)

// binary reads an event whose attributes are headers, and whose data is the body.
func (d *Decoder) binary(header http.Header) error {
	ev := d.in.Event(0)
	attributes, refusal := d.m.headers(header)
	d.m.ev = ev
	if refusal == none {
		refusal = scan.CheckEvent(len(d.in.Text) + size(header))
	}
	if refusal == none {
		refusal = d.m.context(attributes)
	}
	if refusal == none {
		refusal = d.m.properties(attributes[fieldSource], func() events.Refusal { return d.m.body(header.Get("Content-Type")) })
	}
	if refusal != none {
		raw := d.m.text(attributes)
		d.in.Text = raw
		d.in.Refuse(ev, refusal, 0, len(raw), identity(attributes[fieldSource], attributes[fieldID]), attributes[fieldType])
	}
	return d.in.Done(ev, 0)
}

func size(header http.Header) (n int) {
	for name, values := range header {
		if strings.HasPrefix(name, headerPrefix) {
			n += len(name)
			for _, text := range values {
				n += len(text)
			}
		}
	}
	return n
}

// headers reads the attributes, all of them, and says of the first what is wrong with it.
// They become properties in the order of their names: headers have none. One that is
// there twice is one with a comma, as gateways make of it.
func (m *message) headers(header http.Header) (attributes [fieldTime + 1]string, refusal events.Refusal) {
	for name, values := range header {
		text := strings.Join(values, ",")
		if key, ok := strings.CutPrefix(name, headerPrefix); ok {
			m.other = append(m.other, member{name: strings.ToLower(key), text: text})
		} else if name == "Content-Type" {
			m.other = append(m.other, member{name: contentType, text: text})
		}
	}
	slices.SortFunc(m.other, func(a, b member) int { return strings.Compare(a.name, b.name) })
	kept := m.other[:0]
	for _, o := range m.other {
		text, f := o.text, scan.None
		if o.name != contentType {
			text, f = decoded(o.text)
		}
		if f != scan.None {
			if refusal == none {
				refusal = f.Refusal(scan.Clip(o.name, 64))
			}
			text = strings.ToValidUTF8(text, "\uFFFD")
		}
		if field, ok := fieldOf(o.name); ok && field <= fieldTime {
			attributes[field] = text
		} else if text != "" {
			kept = append(kept, member{name: o.name, text: text})
		}
	}
	m.other = kept
	return attributes, refusal
}

// decoded undoes what the binding has senders do to a header: quotes around it, then
// percent-encoding. What only looks like that is left as it is.
func decoded(value string) (string, scan.Flaw) {
	if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
		value = unquoted(value[1 : n-1])
	}
	if strings.IndexByte(value, '%') >= 0 {
		value = unescaped(value)
	}
	switch {
	case !utf8.ValidString(value):
		return value, scan.InvalidUTF8
	case strings.IndexByte(value, 0) >= 0:
		return value, scan.NUL
	}
	return value, scan.None
}

func unquoted(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		out = append(out, s[i])
	}
	return string(out)
}

func unescaped(s string) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if high, low := hexDigit(s[i+1]), hexDigit(s[i+2]); high >= 0 && low >= 0 {
				out = append(out, byte(high<<4|low)) // #nosec G115 -- two digits
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// body adds the data of an event in binary mode: JSON as in structured mode, text as
// "data", anything else as "data_base64".
func (m *message) body(contentType string) events.Refusal {
	if len(m.r.Text) == 0 {
		return none
	}
	media := mediaType(contentType)
	if strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json") {
		refusal := m.json(1)
		if refusal == none && m.r.Space() {
			refusal = scan.Syntax.Refusal("data")
		}
		return refusal
	}
	name, text := "data_base64", ""
	if isText(media) && utf8.Valid(m.r.Text) && !slices.Contains(m.r.Text, 0) {
		name, text = keys[fieldData], string(m.r.Text)
	} else {
		text = base64.StdEncoding.EncodeToString(m.r.Text)
	}
	return m.r.Add(name, events.Value{Kind: events.Text, Text: text}).Refusal(name)
}

// isText reports whether data of a media type is text for people and programs that know
// no more of it. No type at all is what somebody sends by hand.
func isText(media string) bool {
	return media == "" || strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "xml") || media == "application/x-www-form-urlencoded"
}

// text is an event of binary mode as one of structured mode, so that who looks into the
// quarantine sees all of it.
func (m *message) text(attributes [fieldTime + 1]string) []byte {
	all := map[string]any{}
	for f, text := range attributes {
		if text != "" {
			all[keys[f]] = text
		}
	}
	for _, o := range m.other {
		all[o.name] = o.text
	}
	switch {
	case json.Valid(m.r.Text):
		all["data"] = json.RawMessage(m.r.Text)
	case len(m.r.Text) > 0:
		all["data_base64"] = m.r.Text
	}
	raw, _ := json.Marshal(all) // texts and valid JSON
	return raw
}
