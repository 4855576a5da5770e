package export

import (
	"fmt"
	"io"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
)

// What a sheet of Excel holds.
const (
	sheetRows    = excelize.TotalRows // the header's included
	sheetColumns = excelize.MaxColumns
	cellChars    = excelize.TotalCellChars // UTF-16 units
	exactInts    = 1 << 53                 // beyond, a cell's number is not exact
)

// workbook writes rows as XLSX, a sheet after the other. Times are texts in UTC, since
// a cell's own have no zone; numbers that a cell would round are texts too.
type workbook struct {
	to      io.Writer
	file    *excelize.File
	sheet   *excelize.StreamWriter
	columns []query.Column
	sheets  int
	used    int // rows of the sheet
	cells   []any
}

func newXLSX(to io.Writer, columns []query.Column) (*workbook, error) {
	if len(columns) > sheetColumns {
		return nil, fault.New(fault.TooLarge, "too_many_columns", "a sheet has at most %d columns", sheetColumns).WithHint("name fewer columns, or export CSV")
	}
	w := &workbook{to: to, file: excelize.NewFile(), columns: columns, cells: make([]any, len(columns))}
	return w, w.open()
}

// open begins the next sheet.
func (w *workbook) open() (err error) {
	w.sheets++
	name := fmt.Sprintf("Sheet%d", w.sheets)
	if w.sheets > 1 {
		if _, err := w.file.NewSheet(name); err != nil {
			return fmt.Errorf("xlsx: %w", err)
		}
	}
	if w.sheet, err = w.file.NewStreamWriter(name); err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	for i, c := range w.columns {
		w.cells[i] = c.Name
	}
	w.used = 0
	return w.put()
}

// put writes the cells as the next row of the sheet.
func (w *workbook) put() error {
	w.used++
	if err := w.sheet.SetRow(fmt.Sprintf("A%d", w.used), w.cells); err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	return nil
}

func (w *workbook) row(row []query.Value) error {
	if w.used == sheetRows {
		if err := w.flush(); err != nil {
			return err
		}
		if err := w.open(); err != nil {
			return err
		}
	}
	for i, v := range row {
		cell, err := cellOf(v, w.columns[i])
		if err != nil {
			return err
		}
		w.cells[i] = cell
	}
	return w.put()
}

// cellOf returns what a cell shows of a value. No text is a formula.
func cellOf(v query.Value, c query.Column) (any, error) {
	switch {
	case v.IsNull():
		return nil, nil
	case c.Type == query.Bool:
		return v.Int() != 0, nil
	case c.Type == query.Int && -exactInts <= v.Int() && v.Int() <= exactInts:
		return v.Int(), nil
	case c.Type == query.Float:
		return v.Float(), nil
	}
	text := string(v.AppendText(nil))
	if len(text) > cellChars && len(utf16.Encode([]rune(text))) > cellChars {
		return nil, fault.New(fault.TooLarge, "cell_too_long", "column %q has a text that is longer than the %d characters of a cell", c.Name, cellChars).
			WithHint("leave the column out, or export CSV")
	}
	return text, nil
}

func (w *workbook) flush() error {
	if err := w.sheet.Flush(); err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	return nil
}

func (w *workbook) close() error {
	if err := w.flush(); err != nil {
		return err
	}
	if _, err := w.file.WriteTo(w.to); err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	return w.file.Close()
}
