package tabular

import (
	"context"
	"encoding/xml"
	"io"
	"strconv"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// sheetFile decodes a sheet of a workbook. Formulas give the values that were stored with
// them; of merged cells the first has the value. Empty rows are none.
type sheetFile struct {
	book    *workbook
	xml     *xmlReader
	table   *table
	columns []*column
	header  bool
	skip    int // rows up to this number
	line    int64
	cells   []sheetCell // of the row
	record  []place
}

// sheetCell is a cell that is not empty.
type sheetCell struct {
	cell
	at    int    // column, from 0
	error string // #DIV/0! and the like
}

const sheetColumns = 16384

func newSheet(ctx context.Context, src Source, o Options, tab *table) (decoder, error) {
	book, err := openWorkbook(ctx, src)
	if err != nil {
		return nil, err
	}
	ref, err := book.find(o.Sheet)
	if err != nil {
		return nil, err
	}
	s := &sheetFile{book: book, table: tab, header: *o.Header, skip: *o.Skip}
	s.xml, err = book.open(ref.part)
	if err == nil && s.xml == nil {
		err = fault.New(fault.Invalid, "unreadable_file", "the workbook lacks the sheet %q that it names", ref.name)
	}
	return s, err
}

func (s *sheetFile) close() error {
	s.xml.close()
	return nil
}

func (s *sheetFile) more(ctx context.Context) error {
	s.book.random.ctx = ctx
	for range stepRecords {
		if s.table.crowded() {
			return nil
		}
		if err := s.row(); err == io.EOF {
			return io.EOF
		} else if err != nil {
			return s.book.random.failure(err)
		}
		if s.line <= int64(s.skip) || len(s.cells) == 0 {
			continue
		}
		if err := s.add(); err != nil {
			return err
		}
	}
	return nil
}

// add makes a record of the row, or the names of the columns.
func (s *sheetFile) add() error {
	last := s.cells[len(s.cells)-1].at
	if s.columns == nil {
		names := make([]string, last+1)
		if s.header {
			for _, c := range s.cells {
				names[c.at] = string(c.appendText(nil))
			}
			return s.adopt(names)
		}
	}
	if last >= len(s.columns) {
		names := make([]string, last+1)
		for i, c := range s.columns {
			names[i] = c.Name
		}
		if err := s.adopt(names); err != nil {
			return err
		}
	}
	s.record = s.record[:0]
	for _, c := range s.cells {
		column := s.columns[c.at]
		if c.error != "" {
			s.table.reject(Bad{Line: s.line, Column: column.Name, Code: "cell_error", Reason: "the cell holds the error " + c.error + "; the option nulls makes it null", Raw: s.raw()})
			return nil
		}
		s.record = append(s.record, place{column: column, cell: c.cell})
	}
	return s.table.add(s.line, s.record, s.raw)
}

func (s *sheetFile) adopt(names []string) error {
	for i, name := range columnNames(names) {
		if i < len(s.columns) {
			continue
		}
		c, err := s.table.column(name)
		if err != nil {
			return err
		}
		s.columns = append(s.columns, c)
	}
	return nil
}

// raw shows the row as a JSON object.
func (s *sheetFile) raw() []byte {
	raw := []byte{'{'}
	for i, c := range s.cells {
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = append(appendQuoted(raw, []byte(s.columns[c.at].Name)), ':')
		if c.error != "" {
			c.cell = textCell([]byte(c.error))
		}
		shown, _ := c.as(dataset.JSON) // holds anything
		raw = append(raw, shown.text...)
	}
	return append(raw, '}')
}

// row reads the next row's cells. It fails with io.EOF after the last.
func (s *sheetFile) row() error {
	s.cells = s.cells[:0]
	for {
		t, err := s.xml.token()
		if err != nil {
			return err
		}
		e, ok := t.(xml.StartElement)
		if !ok || e.Name.Local != "row" {
			continue
		}
		s.line++
		if n, err := strconv.ParseInt(attribute(e, "r"), 10, 32); err == nil && n >= s.line {
			s.line = n
		}
		return s.rowCells()
	}
}

func (s *sheetFile) rowCells() error {
	at := -1
	for {
		t, err := s.xml.token()
		if err != nil {
			return unexpectedEnd(err)
		}
		switch e := t.(type) {
		case xml.EndElement:
			if e.Name.Local == "row" {
				return nil
			}
		case xml.StartElement:
			if e.Name.Local != "c" {
				continue
			}
			at = max(at+1, columnOf(attribute(e, "r")))
			if at >= sheetColumns {
				return tooManyColumns()
			}
			if err := s.cell(e, at); err != nil {
				return err
			}
		}
	}
}

// columnOf is the column of a cell's name, such as AB12, from 0; -1 if it has none.
func columnOf(name string) int {
	n := 0
	for _, c := range []byte(name) {
		if c < 'A' || c > 'Z' || n > sheetColumns {
			break
		}
		n = n*26 + int(c-'A') + 1
	}
	return n - 1
}

// cell reads a cell and keeps it unless it is empty.
func (s *sheetFile) cell(e xml.StartElement, at int) error {
	kind, style := attribute(e, "t"), number(attribute(e, "s"))
	value, err := s.value()
	if err != nil {
		return err
	}
	c := sheetCell{at: at}
	switch kind {
	case "s":
		text, ok := s.book.shared.at(number(string(value)))
		if !ok {
			return fault.New(fault.Invalid, "unreadable_file", "a cell refers to a text that the workbook lacks")
		}
		c.cell = textCell(text)
	case "str", "inlineStr", "d":
		c.cell = textCell(value)
	case "b":
		c.cell = cell{kind: dataset.Bool, int: int64(number(string(value)) & 1)}
	case "e":
		c.error = string(value)
	default:
		c.cell = s.number(value, style)
	}
	if len(value) == 0 || c.kind == dataset.Text && s.table.syntax.null(c.text) || c.error != "" && s.table.syntax.null(value) {
		return nil
	}
	if at >= dataset.MaxColumns {
		return tooManyColumns()
	}
	s.cells = append(s.cells, c)
	return nil
}

// value returns the stored value of the cell that has begun.
func (s *sheetFile) value() (value []byte, err error) {
	within := false
	for {
		t, err := s.xml.token()
		if err != nil {
			return nil, unexpectedEnd(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			within = t.Name.Local == "v"
			if t.Name.Local == "is" {
				if value, err = s.xml.text("is"); err != nil {
					return nil, err
				}
			}
		case xml.EndElement:
			within = false
			if t.Name.Local == "c" {
				return unescaped(value), nil
			}
		case xml.CharData:
			if within {
				value = append(value, t...)
			}
		}
	}
}
