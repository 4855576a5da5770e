package events

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// AppendJSON appends the event as a sender would write it, so that one that was
// quarantined can be mended and sent again. Texts that are no UTF-8 are mended on
// the way, as package encoding/json does it.
func AppendJSON(dst []byte, e *Event) []byte {
	dst = append(dst, `{"event_id":`...)
	dst = appendQuoted(dst, e.ID)
	for _, f := range []struct{ name, text string }{
		{"event", e.Name}, {"user_id", e.UserID}, {"anonymous_id", e.AnonymousID}, {"session_id", e.SessionID},
	} {
		if f.text != "" {
			dst = append(dst, ',')
			dst = appendQuoted(dst, f.name)
			dst = append(dst, ':')
			dst = appendQuoted(dst, f.text)
		}
	}
	if !e.MadeTime {
		dst = append(dst, `,"time":"`...)
		dst = time.UnixMicro(e.Time).UTC().AppendFormat(dst, time.RFC3339Nano)
		dst = append(dst, '"')
	}
	if e.Shape != nil && len(e.Values) > 0 {
		dst = append(dst, `,"properties":{`...)
		for i, v := range e.Values {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendQuoted(dst, e.Shape.Names[i])
			dst = append(dst, ':')
			dst = v.AppendJSON(dst)
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

func appendQuoted(dst []byte, s string) []byte {
	text, _ := json.Marshal(s) // a string cannot fail
	return append(dst, text...)
}

// AppendJSON appends the value as a sender would write it.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.Kind {
	case Bool:
		return strconv.AppendBool(dst, v.Int != 0)
	case Int:
		return strconv.AppendInt(dst, v.Int, 10)
	case Float:
		start := len(dst)
		dst = strconv.AppendFloat(dst, v.Float, 'g', -1, 64)
		if !bytes.ContainsAny(dst[start:], ".e") {
			dst = append(dst, ".0"...) // or it would come back an Int
		}
		return dst
	case Text:
		return appendQuoted(dst, v.Text)
	case JSON, Big:
		return append(dst, v.Text...)
	default:
		return append(dst, "null"...)
	}
}
