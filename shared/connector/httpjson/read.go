package httpjson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"

	"github.com/tarnhq/tarn/shared/connector"
)

// Read implements connector.Source. The order of rows is the API's: a pass of an
// incremental read has them in any, and moves the cursor when it has ended. One that was
// begun some time ago is followed by another: what changed since may be on pages that the
// first has read.
func (s *Source) Read(ctx context.Context, r connector.Read) iter.Seq2[connector.Batch, error] {
	return func(yield func(connector.Batch, error) bool) {
		stopped := false
		send := func(b connector.Batch) bool {
			stopped = !yield(b, nil)
			return !stopped
		}
		p, err := s.pass(r)
		if err == nil {
			err = p.run(ctx, send)
		}
		if err == nil && !stopped && p.resumed {
			r.From = p.kept
			if p, err = s.pass(r); err == nil {
				err = p.run(ctx, send)
			}
		}
		if err != nil && !stopped {
			yield(connector.Batch{}, err)
		}
	}
}

// pass is one reading of a table.
type pass struct {
	*Source
	connector.Read
	listing listing
	at      position
	walk    walk
	gather  gather
	anew    int             // how often it was begun anew
	kept    json.RawMessage // the position behind the batches so far
	resumed bool            // another process has begun it
}

func (s *Source) pass(r connector.Read) (*pass, error) {
	p := &pass{Source: s, Read: r, listing: s.settings.of(r.Table.Table)}
	if r.From != nil {
		if err := json.Unmarshal(r.From, &p.at); err != nil {
			return nil, fmt.Errorf("position in table %s: %w", r.Table.Table, err)
		}
	}
	if err := p.course(); err != nil {
		return nil, err
	}
	list, err := s.address.table(r.Table.Table)
	if err != nil {
		return nil, err
	}
	if list, err = p.since(list); err != nil {
		return nil, err
	}
	p.walk = walk{how: p.listing.Pagination, address: s.address, list: list, at: p.at.Pass.At, overlaps: len(r.Table.Key) > 0}
	p.gather = newGather(p)
	p.kept = p.at.text(s.api.secrets())
	return p, nil
}

// course begins a pass, unless it is one that goes on.
func (p *pass) course() error {
	if p.at.Pass != nil {
		p.resumed = true
		return nil
	}
	p.at.Pass = &course{}
	if p.at.Read == nil {
		return nil
	}
	from, err := p.at.Read.less(p.Table.Window)
	p.at.Pass.From = from
	return err
}

// since adds to a list's address what has it begin where the pass does.
func (p *pass) since(list *url.URL) (*url.URL, error) {
	s, from := p.listing.Since, p.at.Pass.From
	if p.Table.Effective() != connector.Incremental || s == nil || s.Param == "" || from == nil {
		return list, nil
	}
	told, err := from.told(s.Format)
	if err != nil {
		return nil, err
	}
	out := *list
	out.RawQuery = with(out.RawQuery, s.Param, told)
	return &out, nil
}

// run reads page after page, and yields what was gathered of some as batches.
func (p *pass) run(ctx context.Context, yield func(connector.Batch) bool) error {
	for done := false; !done; {
		var err error
		if done, err = p.step(ctx); err != nil {
			return err
		}
		if !done && !p.gather.full() {
			continue
		}
		batches, err := p.batches(ctx, done)
		if err != nil {
			return err
		}
		for _, b := range batches {
			if !yield(b) {
				return nil
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// step reads a page, and reports whether it was the last.
func (p *pass) step(ctx context.Context) (done bool, err error) {
	got, err := p.ask(ctx)
	switch {
	case p.behind(err):
		return true, nil
	case p.expired(err):
		p.anew++
		p.walk = p.walk.again()
		p.at.Pass.At = place{}
		return false, nil
	case err != nil:
		return false, err
	}
	return p.add(got)
}

// ask reads the page that the pass is at.
func (p *pass) ask(ctx context.Context) (page, error) {
	u, err := p.walk.url()
	if err != nil {
		return page{}, err
	}
	a, err := p.api.get(ctx, u)
	if err != nil {
		return page{}, err
	}
	return newPage(a, u, p.listing)
}

// add gathers the items of a page, and goes on behind it.
func (p *pass) add(got page) (done bool, err error) {
	if p.at.Pass.Begun.IsZero() {
		p.at.Pass.Begun = got.date
	}
	if err := p.gather.add(got.items); err != nil {
		return false, err
	}
	done, err = p.walk.advance(got)
	p.at.Pass.At = p.walk.at
	return done, err
}

// behind reports whether a page is not there because the list has ended.
func (p *pass) behind(err error) bool {
	var f *failure
	how := p.listing.Pagination
	return errors.As(err, &f) && f.status == http.StatusNotFound && how != nil && how.Ends == atMissing && p.walk.at.Read > 0
}

// maxAnew is how often a pass begins anew because a page is gone.
const maxAnew = 3

// expired reports whether a page is not there because what the API gave out for it has
// lost its worth: such names are good for a time, and a pass may go on later. It begins
// anew then, if rows that are read twice are stored once.
func (p *pass) expired(err error) bool {
	var f *failure
	if !errors.As(err, &f) || !p.walk.fragile() || p.anew >= maxAnew || len(p.Table.Key) == 0 {
		return false
	}
	return f.status == http.StatusBadRequest || f.status == http.StatusNotFound || f.status == http.StatusGone || f.status == http.StatusUnprocessableEntity
}
