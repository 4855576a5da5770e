package enrich

import (
	"context"

	"github.com/cespare/xxhash/v2"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Program is a version of an enrichment, ready to run. It does not change.
type Program struct {
	Version uint32 // from 1
	Steps   []Step

	ops  []op
	adds int // properties that the steps add to an event at most
}

// op does a step to the event of a run.
type op func(*run) verdict

// verdict is what a step says of an event. The zero verdict lets it pass.
type verdict struct {
	dropped bool
	refused events.Refusal
}

func refuse(code, reason string) verdict {
	return verdict{refused: events.Refusal{Code: code, Reason: reason}}
}

// Compile makes a program of steps that Parse returned.
func Compile(version uint32, steps []Step) (*Program, error) {
	p := &Program{Version: version, Steps: steps, adds: 1}
	for i, s := range steps {
		o, adds, err := s.compile(i)
		if err != nil {
			return nil, at(i, err)
		}
		p.ops = append(p.ops, o)
		p.adds += adds
	}
	return p, nil
}

// read makes the program of a version that was stored.
func read(stored dataset.Enrichment) (*Program, error) {
	parsed, err := Parse(stored.Steps)
	if err != nil {
		return nil, err
	}
	return Compile(stored.Version, parsed)
}

// compile returns what a step does, and how many properties it adds.
func (s Step) compile(i int) (op, int, error) {
	switch {
	case s.Rename != nil:
		return s.Rename.op(i), 1, nil
	case s.Cast != nil:
		return s.Cast.op(), 0, nil
	case s.Drop != nil, s.Hash != nil:
		return func(r *run) verdict { r.rules[i].Event(r.event); return verdict{} }, 0, nil
	case s.LookUp != nil:
		return s.LookUp.op(i), len(s.LookUp.Take), nil
	case s.Parse != nil:
		return s.Parse.op(i), len(parts), nil
	case s.Sample != nil:
		o, err := s.Sample.op()
		return o, 0, err
	default:
		holds, err := compileFilter(*s.Filter)
		return func(r *run) verdict { return verdict{dropped: holds(r.event) != yes} }, 0, err
	}
}

func (c Cast) op() op {
	cast := casts[c.To]
	return func(r *run) verdict {
		i := place(r.event, c.Field)
		if i < 0 || r.event.Values[i].Kind == events.Null {
			return verdict{}
		}
		v, ok := cast(&r.event.Values[i])
		if !ok {
			return refuse("cast_failed", "the value of \""+c.Field+"\" cannot be cast to "+string(c.To))
		}
		r.event.Values[i] = v
		return verdict{}
	}
}

// op keeps a share of all hashes, and with them the same events at every retry.
func (s Sample) op() (op, error) {
	value, err := reader(s.By)
	if err != nil {
		return nil, err
	}
	below := uint64(s.Share * (1 << 64))
	return func(r *run) verdict {
		v := value(r.event)
		by := r.event.ID
		if v.Kind != events.Null {
			by = textOf(&v)
		}
		return verdict{dropped: xxhash.Sum64String(by) >= below}
	}, nil
}

// prepare gets what a batch needs that is not the program's: the tenant's salt, and the
// tables that are looked up in.
func (p *Program) prepare(ctx context.Context, t tenant.ID, from *Enricher) (*run, error) {
	r := &run{program: p, rules: make([]*fieldrule.Application, len(p.Steps)), tables: make([]*lookup, len(p.Steps))}
	for i, s := range p.Steps {
		var err error
		switch {
		case s.Drop != nil:
			r.rules[i], err = from.Salts.Application(ctx, t, []fieldrule.Rule{s.Drop.rule(fieldrule.Drop)})
		case s.Hash != nil:
			r.rules[i], err = from.Salts.Application(ctx, t, []fieldrule.Rule{s.Hash.rule(fieldrule.Hash)})
		case s.LookUp != nil:
			r.tables[i], err = from.Tables.get(ctx, t, *s.LookUp)
		}
		if err != nil {
			return nil, err
		}
	}
	return r, nil
}
