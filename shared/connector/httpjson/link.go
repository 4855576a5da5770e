package httpjson

import (
	"net/http"
	"strings"
)

// nextLink returns the target of the link with the relation next among Link headers
// (RFC 8288, 3).
func nextLink(h http.Header) (string, bool) {
	for _, field := range h.Values("Link") {
		for field != "" {
			var target string
			var next, ok bool
			if target, next, field, ok = oneLink(field); !ok {
				break
			}
			if next && target != "" {
				return target, true
			}
		}
	}
	return "", false
}

// oneLink reads the first link of a field's value, and returns what comes after it. It
// fails where there is none.
func oneLink(field string) (target string, next bool, rest string, ok bool) {
	field = strings.TrimLeft(field, " \t,")
	if !strings.HasPrefix(field, "<") {
		return "", false, "", false
	}
	target, rest, ok = strings.Cut(field[1:], ">")
	if !ok {
		return "", false, "", false
	}
	met := false // of several relations the first counts
	for {
		rest = strings.TrimLeft(rest, " \t")
		if !strings.HasPrefix(rest, ";") {
			return strings.TrimSpace(target), next, rest, true
		}
		var name, value string
		name, value, rest = oneParameter(rest[1:])
		if strings.EqualFold(name, "rel") && !met {
			met = true
			for _, relation := range strings.Fields(value) {
				next = next || strings.EqualFold(relation, "next")
			}
		}
	}
}

// oneParameter reads a parameter, quoted or not, and returns what comes after it.
func oneParameter(s string) (name, value, rest string) {
	end := strings.IndexAny(s, "=;,")
	if end < 0 {
		return strings.TrimSpace(s), "", ""
	}
	if s[end] != '=' {
		return strings.TrimSpace(s[:end]), "", s[end:]
	}
	name, rest = strings.TrimSpace(s[:end]), strings.TrimLeft(s[end+1:], " \t")
	if !strings.HasPrefix(rest, `"`) {
		end = strings.IndexAny(rest, ";,")
		if end < 0 {
			end = len(rest)
		}
		return name, strings.TrimSpace(rest[:end]), rest[end:]
	}
	var b strings.Builder
	for i := 1; i < len(rest); i++ {
		switch {
		case rest[i] == '"':
			return name, b.String(), rest[i+1:]
		case rest[i] == '\\' && i+1 < len(rest):
			i++
		}
		b.WriteByte(rest[i])
	}
	return name, b.String(), ""
}
