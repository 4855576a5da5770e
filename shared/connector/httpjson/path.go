package httpjson

import (
	"encoding/json"
	"strconv"
	"strings"
)

// parsePath reads where something is in an answer: a JSON pointer (RFC 6901) if it begins
// with a slash, else names that points part. The empty path is the answer itself.
func parsePath(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	if len(text) > 1000 {
		return nil, bad("a path has at most 1000 bytes")
	}
	if text[0] != '/' {
		names := strings.Split(text, ".")
		for _, name := range names {
			if name == "" {
				return nil, bad("%.80q is no path in an answer", text).WithHint("write data.orders, or /data/orders where names have points in them")
			}
		}
		return names, nil
	}
	parts := strings.Split(text[1:], "/")
	for i, part := range parts {
		if escapes := strings.Count(part, "~"); escapes != strings.Count(part, "~0")+strings.Count(part, "~1") {
			return nil, bad("%.80q is no JSON pointer", text).WithHint("of a name, ~ is written ~0 and / is written ~1")
		}
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
	}
	return parts, nil
}

// lookup returns what is at a place of valid JSON.
func lookup(value json.RawMessage, path []string) (json.RawMessage, bool) {
	for _, name := range path {
		var object map[string]json.RawMessage
		var array []json.RawMessage
		switch kindOf(value) {
		case '{':
			if json.Unmarshal(value, &object) != nil {
				return nil, false
			}
			inner, ok := object[name]
			if !ok {
				return nil, false
			}
			value = inner
		case '[':
			at, err := strconv.ParseUint(name, 10, 31)
			if err != nil || json.Unmarshal(value, &array) != nil || at >= uint64(len(array)) {
				return nil, false
			}
			value = array[at]
		default:
			return nil, false
		}
	}
	return value, true
}

// kindOf returns the character that a JSON value begins with; 0 of none.
func kindOf(value json.RawMessage) byte {
	if trimmed := strings.TrimLeft(string(value[:min(len(value), 64)]), " \t\r\n"); trimmed != "" {
		return trimmed[0]
	}
	return 0
}

// text returns a JSON string's text, or a number as it stands. Others, and the empty
// text, are none.
func text(value json.RawMessage) (string, bool) {
	var s string
	switch c := kindOf(value); {
	case c == '"':
		if json.Unmarshal(value, &s) != nil {
			return "", false
		}
	case c == '-' || c >= '0' && c <= '9':
		s = string(value)
	}
	return s, s != ""
}
