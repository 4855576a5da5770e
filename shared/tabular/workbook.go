package tabular

import (
	"archive/zip"
	"context"
	"encoding/xml"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
)

// workbook is an XLSX file: a zip of XML parts. Its sheets are read as a stream, unlike by
// libraries that must hold a sheet to tell the types of its cells.
type workbook struct {
	random  *random
	parts   map[string]*zip.File
	sheets  []sheetRef
	shared  sharedStrings
	formats []cellFormat // by the style of a cell
	epoch   int64        // UTC microseconds of day 0
	leap    bool         // there is a 29 February 1900, as in Lotus 1-2-3
}

type sheetRef struct{ name, part string }

func isWorkbook(ctx context.Context, src Source) bool {
	z, err := zip.NewReader(newRandom(ctx, src), src.Size())
	if err != nil {
		return false
	}
	for _, f := range z.File {
		if f.Name == "xl/workbook.xml" || f.Name == "[Content_Types].xml" {
			return true
		}
	}
	return false
}

func openWorkbook(ctx context.Context, src Source) (*workbook, error) {
	w := &workbook{random: newRandom(ctx, src), parts: map[string]*zip.File{}}
	z, err := zip.NewReader(w.random, src.Size())
	if err != nil {
		return nil, w.random.failure(err)
	}
	if len(z.File) > maxEntries*10 {
		return nil, fault.New(fault.Invalid, "too_many_entries", "the workbook has more than %d parts", maxEntries*10)
	}
	unpacked := uint64(0)
	for _, f := range z.File {
		w.parts[strings.TrimPrefix(f.Name, "/")] = f
		if unpacked += min(f.UncompressedSize64, maxWorkbook+1); unpacked > maxWorkbook {
			return nil, fault.New(fault.Invalid, "unpacks_too_far", "the workbook unpacks to more than 2 GiB").WithHint("save the sheet as CSV")
		}
	}
	if w.parts["xl/workbook.xml"] == nil {
		return nil, fault.New(fault.Invalid, "no_workbook", "the file is no Excel workbook that can be read").WithHint("save it as .xlsx, or as CSV")
	}
	return w, w.head()
}

// head reads what is needed before a sheet is: names, styles and strings.
func (w *workbook) head() error {
	targets := map[string]string{}
	err := w.each("xl/_rels/workbook.xml.rels", func(e xml.StartElement, _ *xmlReader) error {
		if e.Name.Local == "Relationship" {
			targets[attribute(e, "Id")] = partName(attribute(e, "Target"))
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.epoch, w.leap = daysSince1970(1899, 12, 30)*86400e6, true
	err = w.each("xl/workbook.xml", func(e xml.StartElement, _ *xmlReader) error {
		switch e.Name.Local {
		case "workbookPr":
			if v := attribute(e, "date1904"); v == "1" || v == "true" {
				w.epoch, w.leap = daysSince1970(1904, 1, 1)*86400e6, false
			}
		case "sheet":
			if part := targets[attribute(e, "id")]; part != "" && !strings.Contains(part, "chartsheets/") {
				w.sheets = append(w.sheets, sheetRef{attribute(e, "name"), part})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := w.styles(); err != nil {
		return err
	}
	return w.strings()
}

// partName is the part that the workbook means by a target.
func partName(target string) string {
	if strings.HasPrefix(target, "/") {
		return path.Clean(target)[1:]
	}
	return path.Join("xl", target)
}

// find returns the sheet of a name, or the first one.
func (w *workbook) find(name string) (sheetRef, error) {
	for _, s := range w.sheets {
		if name == "" || strings.EqualFold(s.name, name) {
			return s, nil
		}
	}
	names := make([]string, 0, 10)
	for _, s := range w.sheets[:min(10, len(w.sheets))] {
		names = append(names, s.name)
	}
	return sheetRef{}, fault.New(fault.Invalid, "no_such_sheet", "the workbook has no sheet %.40q", name).WithHint("it has %q", names)
}

// styles reads which styles are those of times.
func (w *workbook) styles() error {
	custom := map[int]cellFormat{}
	within := false
	return w.each("xl/styles.xml", func(e xml.StartElement, r *xmlReader) error {
		switch e.Name.Local {
		case "numFmt":
			if len(custom) < 1<<16 {
				custom[number(attribute(e, "numFmtId"))] = formatOf(attribute(e, "formatCode"))
			}
		case "cellXfs":
			within = true
		case "cellStyles", "dxfs":
			within = false
		case "xf":
			if within && len(w.formats) < 1<<16 {
				id := number(attribute(e, "numFmtId"))
				format, ok := custom[id]
				if !ok {
					format = builtinFormat(id)
				}
				w.formats = append(w.formats, format)
			}
		}
		return nil
	})
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// sharedStrings are the texts that cells refer to by number.
type sharedStrings struct {
	bytes []byte
	ends  []int
}

func (s *sharedStrings) at(i int) ([]byte, bool) {
	if i < 0 || i >= len(s.ends) {
		return nil, false
	}
	begin := 0
	if i > 0 {
		begin = s.ends[i-1]
	}
	return s.bytes[begin:s.ends[i]], true
}

func (w *workbook) strings() error {
	return w.each("xl/sharedStrings.xml", func(e xml.StartElement, r *xmlReader) error {
		if e.Name.Local != "si" {
			return nil
		}
		text, err := r.text("si")
		w.shared.bytes = append(w.shared.bytes, text...)
		w.shared.ends = append(w.shared.ends, len(w.shared.bytes))
		if len(w.shared.bytes)+8*len(w.shared.ends) > maxShared {
			return fault.New(fault.Invalid, "unpacks_too_far", "the workbook has more than 256 MiB of texts").WithHint("save the sheet as CSV")
		}
		return err
	})
}

// each gives the elements of a part, if there is one, to a function.
func (w *workbook) each(part string, do func(xml.StartElement, *xmlReader) error) error {
	r, err := w.open(part)
	if r == nil || err != nil {
		return err
	}
	defer r.close()
	for {
		e, err := r.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = do(e, r)
		}
		if err != nil {
			return w.random.failure(err)
		}
	}
}

// open opens a part, or returns nil where there is none.
func (w *workbook) open(part string) (*xmlReader, error) {
	f := w.parts[part]
	if f == nil {
		return nil, nil
	}
	body, err := f.Open()
	if err != nil {
		return nil, w.random.failure(err)
	}
	packed := int64(f.CompressedSize64) // #nosec G115 -- a ratio's divisor
	return newXMLReader(&bounded{r: body, close: body.Close, packed: func() int64 { return packed }, err: &w.random.err}), nil
}
