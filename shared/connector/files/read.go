package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/tabular"
)

// errStopped ends a reading that nobody wants more of.
var errStopped = errors.New("nobody reads on")

// Read implements connector.Source.
func (s *Source) Read(ctx context.Context, r connector.Read) iter.Seq2[connector.Batch, error] {
	return func(yield func(connector.Batch, error) bool) {
		g := &gathering{yield: yield, rows: batchRows}
		if r.Rows > 0 {
			g.rows = r.Rows
		}
		err := s.read(ctx, r, g)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(connector.Batch{}, err)
		}
	}
}

func (s *Source) read(ctx context.Context, r connector.Read, g *gathering) (err error) {
	if err := check(r.Table); err != nil {
		return err
	}
	all, err := s.files(ctx, r.Table.Table)
	if err != nil {
		return err
	}
	if r.Table.Effective() == connector.Incremental {
		return s.fresh(ctx, r, all, g)
	}
	for _, e := range all {
		if err := s.file(ctx, e, func(string) (int, bool) { return 0, true }, g.add); err != nil {
			return err
		}
	}
	return g.flush()
}

// fresh reads the files that are new, and with a key those that have changed. Without one a
// file that has changed is refused once the others were read, as is one that nobody
// understands: what of it is new nobody can tell, and to append all of it would count rows
// twice.
func (s *Source) fresh(ctx context.Context, r connector.Read, all []entry, g *gathering) (err error) {
	if g.at, err = positionOf(r.From); err != nil {
		return err
	}
	if r.From == nil { // the first load goes in the stead of what was there, and knows no key
		if !g.yield(connector.Batch{Next: g.at.text()}, nil) {
			return errStopped
		}
	}
	g.at.forget(all)
	all = g.at.begin(all)
	keyed, refused := len(r.Table.Key) > 0, []error(nil)
	for _, e := range all {
		is := reading{name: hashOf(e.name)}
		err := s.file(ctx, e, func(version string) (skip int, wanted bool) {
			is.version = hashOf(version)
			skip, wanted = g.at.wants(is, keyed)
			if was, seen := g.at.seen[is.name]; !wanted && seen && was != is.version {
				refused = append(refused, fault.New(fault.Invalid, "file_changed", "the file %.200q has changed, and without a key nobody can tell which of its rows are new", e.name).
					WithHint("give the table a key, add rows in files of their own, or sync with \"full\": true"))
			}
			is.parts = skip
			return skip, wanted
		}, func(p tabular.Part, bad []load.Bad) error {
			if err := g.add(p, bad); err != nil {
				return err
			}
			is.parts++
			g.at.file = is
			return nil
		})
		switch {
		case fault.Is(err, fault.Invalid) && (keyed || is.parts == 0): // it does not hold up the others, and is begun anew
			refused, g.at.file = append(refused, err), reading{}
		case err != nil:
			return errors.Join(err, g.flush())
		default:
			g.at.end(is)
		}
	}
	if err := g.flush(); err != nil || len(refused) == 0 {
		return err
	}
	return refused[0]
}

// file reads a file, unless it is not wanted in the version that it has. Of one that was
// begun some parts are skipped: the same content comes in the same parts.
func (s *Source) file(ctx context.Context, e entry, wants func(version string) (skip int, wanted bool), each func(tabular.Part, []load.Bad) error) error {
	skip, wanted := 0, true
	if e.version != "" {
		if skip, wanted = wants(e.version); !wanted {
			return nil
		}
	}
	c, err := s.folder.open(ctx, e)
	if err != nil {
		return err
	}
	defer c.close()
	if e.version == "" {
		if skip, wanted = wants(c.version); !wanted {
			return nil
		}
	}
	return s.parts(ctx, e, c, func(p tabular.Part) error {
		if skip > 0 {
			skip--
			return nil
		}
		return each(p, badOf(e, p))
	})
}

// parts reads a file part by part. One without a byte has none.
func (s *Source) parts(ctx context.Context, e entry, c content, each func(tabular.Part) error) error {
	if c.Size() == 0 {
		return nil
	}
	named := func(err error) error { return fmt.Errorf("file %q: %w", e.name, err) }
	options, err := tabular.Detect(ctx, c, e.name, s.options)
	if err != nil {
		return named(err)
	}
	file, err := tabular.Open(ctx, c, options, nil)
	if err != nil {
		return named(err)
	}
	defer file.Close()
	for {
		part, err := file.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return named(err)
		}
		if err := each(part); err != nil {
			return err
		}
	}
}

// badOf tells where records lie that are no rows: "orders/1.csv:17".
func badOf(e entry, p tabular.Part) (all []load.Bad) {
	name := e.name
	if p.Entry != "" {
		name += "/" + p.Entry
	}
	for _, b := range p.Bad {
		all = append(all, load.Bad{Row: fmt.Sprintf("%s:%d", name, b.Line), Code: b.Code, Reason: b.Reason, Raw: b.Raw})
	}
	return all
}
