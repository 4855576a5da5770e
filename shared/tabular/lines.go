package tabular

import (
	"bytes"
	"context"
	"io"
)

// stepRecords bounds the records that are added between two looks at a part's limits.
const stepRecords = 1024

// lineFile decodes NDJSON: a JSON object a line. Blank lines are none.
type lineFile struct {
	text   *text
	object objectReader
}

func newLines(t *text, tab *table) decoder {
	return &lineFile{text: t, object: objectReader{table: tab}}
}

func (l *lineFile) close() error { return l.text.close() }

func (l *lineFile) more(ctx context.Context) error {
	for added := 0; added < stepRecords && !l.object.table.crowded(); {
		rest := l.text.rest()
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			if l.text.ended && len(rest) > 0 {
				end = len(rest)
			} else if added > 0 {
				return nil // what is there is added before more is read
			} else if err := l.fill(ctx); err != nil {
				return err
			}
		}
		if end < 0 {
			continue
		}
		if end > maxRecord {
			added++
			l.object.reject(l.text.line, tooLong.code, tooLong.reason, rest[:1<<10])
		} else if line := bytes.TrimSpace(rest[:end]); len(line) > 0 {
			added++
			if err := l.object.add(l.text.line, line); err != nil {
				return err
			}
		}
		l.text.line++
		l.text.consume(min(end+1, len(rest)))
	}
	return nil
}

func (l *lineFile) fill(ctx context.Context) error {
	more, err := l.text.fill(ctx)
	switch {
	case err != nil || more:
		return err
	case l.text.ended && len(l.text.rest()) == 0:
		return io.EOF
	case l.text.ended:
		return nil
	}
	rest := l.text.rest()
	l.object.reject(l.text.line, tooLong.code, tooLong.reason, rest[:1<<10])
	if err := l.text.skipLine(ctx, '\n'); err != nil {
		return err
	}
	return nil
}
