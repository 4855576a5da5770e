package tabular

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// workbookBytes is a workbook as Excel writes one.
func workbookBytes(t testing.TB, password string) []byte {
	t.Helper()
	f := excelize.NewFile()
	check(t, f.SetSheetName("Sheet1", "Sales"))
	rows := [][]any{
		{"id", "name", "day", "at", "share", "ok", "total", "clock", "span", "zip"},
		{1, "a", time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), time.Date(2024, 2, 29, 14, 30, 5, 0, time.UTC), 0.25, true, nil, 0.604166666666667, 1.25, "08001"},
		{2, nil, 1, 36525.99999, 1.0 / 3, false, nil, nil, nil, "8002"},
		{},
		{3, "merged", "text date", "2024-01-01"},
		{4, "xxxxxxxxxx", 61, nil, 1e20, nil, nil, nil, nil, "é"},
	}
	for i, row := range rows {
		cell, err := excelize.CoordinatesToCellName(1, i+1)
		check(t, err)
		check(t, f.SetSheetRow("Sales", cell, &row))
	}
	styled := func(id int, custom string, cells ...string) {
		style := &excelize.Style{NumFmt: id}
		if custom != "" {
			style.CustomNumFmt = &custom
		}
		s, err := f.NewStyle(style)
		check(t, err)
		for _, cell := range cells {
			check(t, f.SetCellStyle("Sales", cell, cell, s))
		}
	}
	styled(14, "", "C2", "C3", "C6")
	styled(0, `dd.mm.yyyy" um "hh:mm:ss`, "D2", "D3")
	styled(9, "", "E2")
	styled(20, "", "H2")
	styled(46, "", "I2")
	check(t, f.SetCellFormula("Sales", "G2", "A2*2"))
	check(t, f.SetCellFormula("Sales", "G3", "1/0"))
	check(t, f.MergeCell("Sales", "B5", "D5"))
	_, err := f.NewSheet("Other")
	check(t, err)
	check(t, f.SetSheetRow("Other", "A1", &[]any{1, 2}))
	check(t, f.SetSheetRow("Other", "A2", &[]any{3, 4}))
	return withStoredValues(t, saved(t, f, password), password)
}

func saved(t testing.TB, f *excelize.File, password string) []byte {
	t.Helper()
	b, err := f.WriteToBuffer()
	check(t, err)
	if password == "" {
		return b.Bytes()
	}
	encrypted, err := excelize.Encrypt(b.Bytes(), &excelize.Options{Password: password})
	check(t, err)
	return encrypted
}

// withStoredValues puts values beside formulas, as Excel does and excelize does not.
func withStoredValues(t testing.TB, data []byte, password string) []byte {
	t.Helper()
	if password != "" {
		return data
	}
	in, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	check(t, err)
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, part := range in.File {
		r, err := part.Open()
		check(t, err)
		var text bytes.Buffer
		_, err = text.ReadFrom(r)
		check(t, err)
		w, err := out.Create(part.Name)
		check(t, err)
		s := strings.Replace(text.String(), `<c r="G2" t="str"><f>A2*2</f>`, `<c r="G2"><f>A2*2</f><v>2</v>`, 1)
		s = strings.Replace(s, `<c r="G3" t="str"><f>1/0</f>`, `<c r="G3" t="e"><f>1/0</f><v>#DIV/0!</v>`, 1)
		_, err = w.Write([]byte(s))
		check(t, err)
	}
	check(t, out.Close())
	return b.Bytes()
}

// rawWorkbook is a workbook of one sheet, of rows and shared strings as they are given.
func rawWorkbook(t testing.TB, rows, shared string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, part := range [][2]string{
		{"[Content_Types].xml", "<Types/>"},
		{"xl/workbook.xml", `<workbook xmlns:r="r"><sheets><sheet name="S" r:id="rId1"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="rId1" Target="/xl/worksheets/s.xml"/></Relationships>`},
		{"xl/worksheets/s.xml", "<worksheet><sheetData>" + rows + "</sheetData></worksheet>"},
		{"xl/sharedStrings.xml", "<sst>" + shared + "</sst>"},
	} {
		w, err := z.Create(part[0])
		check(t, err)
		_, err = w.Write([]byte(part[1]))
		check(t, err)
	}
	check(t, z.Close())
	return b.Bytes()
}
