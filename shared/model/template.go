package model

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// reference is all there is of a template language.
var reference = regexp.MustCompile(`^\s*(ref|source)\s*\(\s*(?:'([^']*)'|"([^"]*)")\s*\)\s*$`)

// expand puts datasets in the place of references and lists them, each once, in
// alphabetical order. Braces are references wherever they stand, texts and comments
// included: SQL has no use for two of them side by side.
func expand(file, text string) (sql string, refs, sources []dataset.Name, err error) {
	var b strings.Builder
	for rest := text; ; {
		before, after, open := strings.Cut(rest, "{{")
		b.WriteString(before)
		if !open {
			break
		}
		inside, after, closed := strings.Cut(after, "}}")
		m := reference.FindStringSubmatch(inside)
		if !closed || m == nil {
			return "", nil, nil, bad(file, "line %d: {{%s}} is no reference", line(text, len(text)-len(rest)+len(before)), clip(inside)).
				WithHint("there are {{ ref('model') }} and {{ source('dataset') }}, and no other templates")
		}
		name := dataset.Name(m[2] + m[3])
		if err := name.Check(); err != nil {
			return "", nil, nil, bad(file, "%q cannot name a dataset", clip(string(name)))
		}
		b.WriteString(`"` + string(name) + `"`) // it may be one of SQL's own words
		if m[1] == "ref" {
			refs = append(refs, name)
		} else {
			sources = append(sources, name)
		}
		rest = after
	}
	return b.String(), sorted(refs), sorted(sources), nil
}

func sorted(names []dataset.Name) []dataset.Name {
	slices.Sort(names)
	return slices.Compact(names)
}

func line(text string, at int) int { return 1 + strings.Count(text[:at], "\n") }

func clip(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

func bad(file, format string, args ...any) *fault.Error {
	e := fault.New(fault.Invalid, "bad_model", format, args...)
	e.Message = file + ": " + e.Message
	return e
}
