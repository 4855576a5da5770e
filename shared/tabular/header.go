package tabular

import (
	"context"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
)

// head reads what comes before the first row, and with it how many columns there are.
func (c *csvFile) head(ctx context.Context) error {
	if err := c.skipPreamble(ctx); err != nil {
		return err
	}
	c.splitter.width = 0
	for {
		done := c.split(1)
		switch {
		case len(c.splitter.records) > 0:
			return c.adopt(done)
		case done > 0:
			c.block(c.text.rest()[:done]) // of broken records
			c.passed(done)
		case len(c.splitter.spans) > maxHeader:
			return tooManyColumns()
		default:
			if err := c.fill(ctx); err != nil {
				return err
			}
		}
	}
}

// maxHeader bounds the fields of a header whose end is not in sight.
const maxHeader = 16 * dataset.MaxColumns

func (c *csvFile) skipPreamble(ctx context.Context) error {
	for ; c.preamble > 0; c.preamble-- {
		if err := c.text.skipLine(ctx, c.splitter.newline); err != nil {
			return err
		}
	}
	return nil
}

// adopt makes columns of the record that was split first.
func (c *csvFile) adopt(done int) error {
	s := &c.splitter
	if len(s.spans) > dataset.MaxColumns {
		return tooManyColumns()
	}
	fields := make([]string, len(s.spans))
	if c.header {
		for i := range fields {
			fields[i] = string(s.field(i))
		}
	}
	names := columnNames(fields)
	c.columns = make([]*column, len(names))
	for i, name := range names {
		var err error
		if c.columns[i], err = c.table.column(name); err != nil {
			return err
		}
	}
	s.width = len(names)
	if c.header {
		s.records, s.spans = s.records[:0], s.spans[:0]
		c.block(c.text.rest()[:done]) // of broken records before it
		c.passed(done)
	}
	return nil
}

// columnNames makes names of the fields of a header: blanks around them go, column_2
// stands where there is none, and what came before is told apart by a number.
func columnNames(fields []string) []string {
	names := make([]string, len(fields))
	taken := make(map[string]bool, len(fields))
	for i, field := range fields {
		names[i] = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(field, "\ufffd"), "\x00", ""))
		taken[names[i]] = true
	}
	seen := make(map[string]bool, len(fields))
	for i, name := range names {
		if name == "" {
			name = "column_" + strconv.Itoa(i+1)
		}
		base := name
		for n := 2; seen[name] || name != names[i] && taken[name]; n++ {
			name = base + "_" + strconv.Itoa(n)
		}
		names[i] = name
		seen[name] = true
	}
	return names
}
