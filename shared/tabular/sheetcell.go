package tabular

import (
	"context"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
)

// number reads a number, which its style may make a time.
func (s *sheetFile) number(value []byte, style int) cell {
	format := plainFormat
	if style >= 0 && style < len(s.book.formats) {
		format = s.book.formats[style]
	}
	if format != plainFormat {
		if days, err := strconv.ParseFloat(string(value), 64); err == nil {
			if v, ok := s.book.time(days, format); ok {
				return v
			}
		}
	}
	if n, ok := parseInt(value); ok {
		return cell{kind: dataset.Int, int: n}
	}
	if d, ok := scanDecimal(value, '.'); ok {
		if f, ok := d.float(value, '.'); ok {
			return cell{kind: dataset.Float, float: f}
		}
	}
	return textCell(value)
}

// time is the time of a number of days, to the millisecond: the number holds no more.
func (w *workbook) time(days float64, format cellFormat) (cell, bool) {
	if !(days >= 0 && days < 2_958_466) { // to the end of 9999
		return cell{}, false
	}
	millis := int64(math.Round(days * 86400e3))
	if format == clockFormat && days < 1 {
		return textCell(time.UnixMilli(millis).UTC().AppendFormat(nil, "15:04:05.999")), true
	}
	if w.leap && days < 60 {
		millis += 86400e3
	}
	return cell{kind: dataset.Time, int: w.epoch + millis*1000}, true
}

// sheet finds how a sheet is to be read.
func (f *finding) sheet(ctx context.Context, src Source) error {
	f.Nulls, f.Dates = orElse(f.Nulls, []string{""}), orISO(f.Dates)
	if f.Skip == nil {
		f.Skip = new(int)
	}
	book, err := openWorkbook(ctx, src)
	if err != nil {
		return err
	}
	ref, err := book.find(f.Sheet)
	if err != nil {
		return err
	}
	f.Sheet = ref.name
	if len(book.sheets) > 1 {
		f.warn("the workbook has several sheets: " + strconv.Quote(ref.name) + " is read; the option sheet names another")
	}
	if f.Header != nil {
		return nil
	}
	header := true
	f.Header = &header
	d, err := newSheet(ctx, src, f.Options, newTable(f.Options, nil))
	if err != nil {
		return err
	}
	s := d.(*sheetFile)
	defer s.xml.close()
	for err == nil && (len(s.cells) == 0 || s.line <= int64(*f.Skip)) {
		err = s.row()
	}
	for _, c := range s.cells {
		header = header && c.kind == dataset.Text
	}
	if err == io.EOF {
		return nil
	}
	return book.random.failureOf(err)
}
