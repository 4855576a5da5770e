package sqlrun

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/shared/query"
)

// kind is a DuckDB type, as DESCRIBE writes it.
type kind struct {
	name   string  // without what follows in parentheses; LIST and ARRAY of a suffix
	detail string  // what follows in parentheses, where that is no type
	parts  []*kind // of a list, an array, a map, a struct or a union
	labels []string
	tuple  bool // the labels are ours: the struct has none
}

// transports are the types that are sent as others, because the driver would change
// their values or forget what they are.
var transports = map[string]string{
	"JSON": "VARCHAR", "UUID": "VARCHAR", "ENUM": "VARCHAR", "BIT": "VARCHAR", "TIME": "VARCHAR", "TIME WITH TIME ZONE": "VARCHAR",
	"TIMESTAMP_NS": "VARCHAR", "TIMESTAMP_S": "TIMESTAMP", "TIMESTAMP_MS": "TIMESTAMP", "BIGNUM": "VARCHAR", `"NULL"`: "INTEGER",
}

// transport is the SQL type that values of k are sent as.
func (k *kind) transport() string { return k.write((*kind).transport, transports) }

func (k *kind) String() string { return k.write((*kind).String, nil) }

func (k *kind) write(part func(*kind) string, instead map[string]string) string {
	if other, has := instead[k.name]; has {
		return other
	}
	switch k.name {
	case "LIST", "ARRAY":
		return part(k.parts[0]) + k.detail
	}
	if len(k.parts) == 0 {
		if k.detail == "" {
			return k.name
		}
		return k.name + "(" + k.detail + ")"
	}
	list := make([]string, len(k.parts))
	for i, p := range k.parts {
		list[i] = part(p)
		if k.labels != nil && (!k.tuple || instead != nil) {
			list[i] = `"` + strings.ReplaceAll(k.labels[i], `"`, `""`) + `" ` + list[i]
		}
	}
	return k.name + "(" + strings.Join(list, ", ") + ")"
}

// answers are the types of answers; what is not here is a text.
var answers = map[string]query.Type{
	"BOOLEAN": query.Bool, "TINYINT": query.Int, "SMALLINT": query.Int, "INTEGER": query.Int, "BIGINT": query.Int, "HUGEINT": query.Int,
	"UTINYINT": query.Int, "USMALLINT": query.Int, "UINTEGER": query.Int, "UBIGINT": query.Int, "UHUGEINT": query.Int, "BIGNUM": query.Int,
	"FLOAT": query.Float, "DOUBLE": query.Float, "DECIMAL": query.Decimal, "DATE": query.Date, "TIME": query.TimeDay, "INTERVAL": query.Interval,
	"TIMESTAMP": query.Timestamp, "TIMESTAMP_S": query.Timestamp, "TIMESTAMP_MS": query.Timestamp, "TIMESTAMP WITH TIME ZONE": query.Timestamp,
	"BLOB": query.Blob, "JSON": query.JSON, "LIST": query.JSON, "ARRAY": query.JSON, "MAP": query.JSON, "STRUCT": query.JSON, "UNION": query.JSON,
}

func (k *kind) answer() query.Type {
	if t, has := answers[k.name]; has {
		return t
	}
	return query.Text
}

// parseKind reads a type.
func parseKind(text string) (*kind, error) {
	p := typeParser{rest: text}
	k, err := p.kind()
	if err == nil && strings.TrimSpace(p.rest) != "" {
		err = p.fail()
	}
	return k, err
}

type typeParser struct{ rest string }

func (p *typeParser) fail() error { return fmt.Errorf("a type cannot be read at %.80q", p.rest) }

func (p *typeParser) skip(prefix string) bool {
	p.rest = strings.TrimLeft(p.rest, " ")
	after, ok := strings.CutPrefix(p.rest, prefix)
	if ok {
		p.rest = after
	}
	return ok
}

// kind reads a type with its suffixes, each of which makes a list or an array of it.
func (p *typeParser) kind() (*kind, error) {
	k, err := p.base()
	for err == nil && strings.HasPrefix(p.rest, "[") {
		suffix, after, ok := strings.Cut(p.rest, "]")
		if !ok {
			return nil, p.fail()
		}
		p.rest = after
		name := "ARRAY"
		if suffix == "[" {
			name = "LIST"
		}
		k = &kind{name: name, detail: suffix + "]", parts: []*kind{k}}
	}
	return k, err
}

func (p *typeParser) base() (*kind, error) {
	p.rest = strings.TrimLeft(p.rest, " ")
	end := strings.IndexAny(p.rest, "([,)")
	if end < 0 {
		end = len(p.rest)
	}
	k := &kind{name: strings.TrimSpace(p.rest[:end])}
	p.rest = p.rest[end:]
	if k.name == "" {
		return nil, p.fail()
	}
	if !p.skip("(") {
		return k, nil
	}
	switch k.name {
	case "STRUCT", "UNION":
		return k, p.members(k, true)
	case "MAP":
		return k, p.members(k, false)
	}
	return k, p.detail(k)
}

// members reads the types of a struct, a union or a map, up to the parenthesis.
func (p *typeParser) members(k *kind, labelled bool) error {
	for {
		if labelled {
			label, err := p.label()
			if err != nil {
				return err
			}
			if label == "" { // the driver cannot read a struct without names
				k.tuple, label = true, strconv.Itoa(len(k.labels))
			}
			k.labels = append(k.labels, label)
		}
		part, err := p.kind()
		if err != nil {
			return err
		}
		k.parts = append(k.parts, part)
		if p.skip(")") {
			return nil
		}
		if !p.skip(",") {
			return p.fail()
		}
	}
}

// label reads a name, quoted or not; none where a type stands.
func (p *typeParser) label() (string, error) {
	if !p.skip(`"`) {
		name, after, ok := strings.Cut(p.rest, " ")
		if !ok || strings.ContainsAny(name, "()[],") || strings.HasPrefix(after, "WITH ") {
			return "", nil
		}
		p.rest = after
		return name, nil
	}
	var b strings.Builder
	for {
		part, after, ok := strings.Cut(p.rest, `"`)
		if !ok {
			return "", p.fail()
		}
		b.WriteString(part)
		p.rest = after
		if !strings.HasPrefix(after, `"`) {
			return b.String(), nil
		}
		b.WriteByte('"')
		p.rest = after[1:]
	}
}

// detail skips to the parenthesis that ends what is no type: digits, or texts.
func (p *typeParser) detail(k *kind) error {
	quoted := false
	for i := range len(p.rest) {
		switch c := p.rest[i]; {
		case c == '\'':
			quoted = !quoted
		case c == ')' && !quoted:
			k.detail, p.rest = p.rest[:i], p.rest[i+1:]
			return nil
		}
	}
	return p.fail()
}
