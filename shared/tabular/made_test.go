package tabular

import (
	"archive/zip"
	"bytes"
	"database/sql"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/xuri/excelize/v2"

	"github.com/tarnhq/tarn/shared/dataset"
)

// made are files that others write: their outcomes are in testdata/made.
var made = map[string]func(testing.TB) []byte{
	"duckdb.parquet": func(t testing.TB) []byte {
		return byDuckDB(t, `select * from (values
			(true, -1::tinyint, 9223372036854775807, 255::utinyint, 4294967295::uinteger, 1::ubigint, 0.1::float, 0.1::double, 1.25::decimal(9,2), -0.000000001::decimal(38,9), 123456789012345678::decimal(18,0), 'é', ''::varchar, 'abc'::blob, date '2024-02-29', time '14:30:05.25', timestamp '2024-01-02 03:04:05.678901', timestamp_ns '2024-01-02 03:04:05.678901234', timestamp_s '2024-01-02 03:04:05', timestamptz '2024-01-02 03:04:05+02', uuid '6ba7b810-9dad-11d1-80b4-00c04fd430c8', interval '14 months 3 days 4 seconds', 'x'::enum('x','y'), '{"a": [1 ]}'::json, [1,null,3], [[1],[],null], {'a': 1, 'b': [{'c': 'x', 'd': date '2024-01-01'}]}, map {'k': 1, 'l': null}, map {1: 'a'}, null::integer, 170141183460469231731687303715884105727::hugeint::varchar),
			(null, 2, null, 0, 0, 18446744073709551615, null, null, null, null, null, null, 'x', null, date '0001-01-01', null, null, null, null, null, null, null, null, null, [], null, null, map {}, null, null, null)
			) t(bool, i8, i64, u8, u32, u64, f32, f64, dec9, dec38, dec18, text, empty, blob, date, clock, ts, ts_ns, ts_s, ts_zone, uuid, span, enum, json, list, lists, struct, map, int_map, nothing, huge)`, "compression zstd")
	},
	"row_groups.parquet": func(t testing.TB) []byte {
		return byDuckDB(t, `select range id, 'g' || range % 3 g from range(5000)`, "row_group_size 2048, compression snappy")
	},
	"nan.parquet": func(t testing.TB) []byte {
		return byDuckDB(t, `select * from (values (1, 1.5::double, [1.0::double]), (2, 'nan'::double, null), (3, 'inf'::double, null), (4, null, ['nan'::double])) t(id, x, l)`, "compression uncompressed")
	},
	"binary.parquet": func(t testing.TB) []byte {
		return byDuckDB(t, `select * from (values ('ok'::blob), ('\xFF\xFE'::blob)) t(b)`, "compression uncompressed")
	},
	"no_rows.parquet": func(t testing.TB) []byte { return byDuckDB(t, `select 1 a, 'x' b limit 0`, "compression uncompressed") },
	"many_columns.parquet": func(t testing.TB) []byte {
		return byDuckDB(t, "select "+strings.Repeat("1 as c,", dataset.MaxColumns)+"1 as c", "compression uncompressed")
	},
	"cut_off.parquet": func(t testing.TB) []byte {
		return byDuckDB(t, `select range from range(1000)`, "compression uncompressed")[:500]
	},
	"old_types.parquet": func(t testing.TB) []byte {
		type record struct {
			At      deprecated.Int96  `parquet:"at"`
			Unit    int64             `parquet:"unit,timestamp(nanosecond)"`
			Plain   []string          `parquet:"plain"`
			Listed  []*int32          `parquet:"listed,list"`
			Pairs   map[string]string `parquet:"pairs"`
			Missing *string           `parquet:"missing,optional"`
			Decimal int32             `parquet:"decimal,decimal(2:9)"`
		}
		one := int32(1)
		return byParquetGo(t, []record{
			{At: deprecated.Int96{0x2d8bc000, 0x2c27, 2460312}, Unit: -1, Plain: []string{"a", "b"}, Listed: []*int32{&one, nil}, Pairs: map[string]string{"k": "v"}, Decimal: -7},
			{At: deprecated.Int96{0, 0, 2440588}, Unit: math.MaxInt64, Decimal: 12345},
		})
	},
	"far_times.parquet": func(t testing.TB) []byte {
		type record struct {
			At int64 `parquet:"at,timestamp(millisecond)"`
		}
		return byParquetGo(t, []record{{0}, {math.MaxInt64}, {math.MinInt64}, {253402300799999}})
	},
	"workbook.xlsx":      func(t testing.TB) []byte { return workbookBytes(t, "") },
	"error_as_null.xlsx": func(t testing.TB) []byte { return workbookBytes(t, "") },
	"other_sheet.xlsx":   func(t testing.TB) []byte { return workbookBytes(t, "") },
	"no_such_sheet.xlsx": func(t testing.TB) []byte { return workbookBytes(t, "") },
	"encrypted.xlsx":     func(t testing.TB) []byte { return workbookBytes(t, "secret") },
	"cut_off.xlsx":       func(t testing.TB) []byte { b := workbookBytes(t, ""); return b[:len(b)/2] },
	"empty.xlsx": func(t testing.TB) []byte {
		f := excelize.NewFile()
		return saved(t, f, "")
	},
	"rich_text.xlsx": func(t testing.TB) []byte {
		return rawWorkbook(t, `<row r="2"><c t="s"><v>0</v></c><c t="inlineStr"><is><t>b</t></is></c></row><row r="9"><c r="A9" t="s"><v>1</v></c><c r="C9"><v>5</v></c></row><row/><row><c t="d"><v>2024-01-02T03:04:05</v></c><c t="b"><v>1</v></c></row>`,
			`<si><r><t>a</t></r><r><t xml:space="preserve"> b_x000D_</t></r><rPh><t>KANA</t></rPh></si><si><t>x &amp; y</t></si>`)
	},
	"bad_reference.xlsx": func(t testing.TB) []byte { return rawWorkbook(t, `<row><c t="s"><v>7</v></c></row>`, "") },
	"entities.xlsx": func(t testing.TB) []byte {
		return rawWorkbook(t, `<row><c t="str"><v>&lol;</v></c></row>`, "")
	},
	"far_column.xlsx":    func(t testing.TB) []byte { return rawWorkbook(t, `<row><c r="XFD1"><v>1</v></c></row>`, "") },
	"cut_off_sheet.xlsx": func(t testing.TB) []byte { return rawWorkbook(t, `<row><c t="str"><v>a</v></c></row><row><c><v>2`, "") },
	"long_text.xlsx": func(t testing.TB) []byte {
		return rawWorkbook(t, `<row><c t="str"><v>`+strings.Repeat("a", maxRecord+1<<20)+`</v></c></row>`, "")
	},
	"columns_100000.csv": func(testing.TB) []byte {
		return []byte(strings.Repeat("a,", 100_000) + "\n" + strings.Repeat("1,", 100_000) + "\n")
	},
	"columns_100000_late.csv": func(testing.TB) []byte {
		return []byte("a,b\n1,2\n" + strings.Repeat("1,", 100_000) + "\n3,4\n")
	},
	"columns_10000000.csv": func(testing.TB) []byte { return []byte(strings.Repeat(",", 10_000_000)) },
	"members_100000.json": func(t testing.TB) []byte {
		var b strings.Builder
		b.WriteString("[{")
		for i := range 100_000 {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"k` + strings.Repeat("x", i%3) + time.Duration(i).String() + `":1`)
		}
		return []byte(b.String() + "}]")
	},
	"long_record.csv": func(testing.TB) []byte {
		return []byte("id,text\n1,a\n2," + strings.Repeat("x", maxRecord+1<<20) + "\n3,c\n4," + strings.Repeat("x", 3*maxRecord) + "\n5,e\n")
	},
	"long_quote.csv": func(testing.TB) []byte {
		return []byte("id,text\n1,a\n2,\"b\n" + strings.Repeat("7,xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", maxRecord/60) + "3,c\n")
	},
	"long_line.ndjson": func(testing.TB) []byte {
		return []byte("{\"a\":1}\n{\"a\":\"" + strings.Repeat("x", maxRecord+1<<20) + "\"}\n{\"a\":3}\n" + strings.Repeat("x", 3*maxRecord) + "\n{\"a\":5}\n")
	},
	"long_wrapped.json": func(testing.TB) []byte {
		return []byte(`{"meta":{"a":[1]},"data":[` + strings.Repeat(`{"id":1,"text":"`+strings.Repeat("x", 1000)+`"},`, maxRecord/1000) + `{"id":2}],"more":[]}`)
	},
	"deep.json":        func(testing.TB) []byte { return []byte(strings.Repeat(`{"a":[`, 1_000_000)) },
	"gzip_bomb.csv.gz": func(t testing.TB) []byte { return gzipped(t, 200<<20) },
	"zip_bomb.zip":     func(t testing.TB) []byte { return zipped(t, map[string]int{"a.csv": 200 << 20}) },
	"zstd_bomb.csv.zst": func(t testing.TB) []byte {
		var b bytes.Buffer
		w, err := zstd.NewWriter(&b)
		check(t, err)
		writeZeros(t, w, 200<<20)
		check(t, w.Close())
		return b.Bytes()
	},
	"rows.csv.zst": func(t testing.TB) []byte {
		w, err := zstd.NewWriter(nil)
		check(t, err)
		return w.EncodeAll([]byte("id,name\n1,a\n2,b\n"), nil)
	},
	"sheet_bomb.xlsx": func(t testing.TB) []byte {
		return rawWorkbook(t, strings.Repeat(`<row><c><v>1</v></c></row>`, 3_000_000), "")
	},
	"many_entries.zip": func(t testing.TB) []byte {
		entries := map[string]int{}
		for i := range maxEntries + 1 {
			entries[time.Duration(i).String()+".csv"] = 1
		}
		return zipped(t, entries)
	},
}

var madeGiven = map[string]request{
	"error_as_null.xlsx": {Options: Options{Nulls: []string{"", "#DIV/0!"}}},
	"other_sheet.xlsx":   {Options: Options{Sheet: "other"}},
	"no_such_sheet.xlsx": {Options: Options{Sheet: "Missing"}},
}

func TestFilesThatOthersWriteComeToWhatIsExpectedOfEach(t *testing.T) {
	for name, make := range made {
		t.Run(name, func(t *testing.T) {
			checkGolden(t, filepath.Join("testdata/made", name+".want.json"), outcomeOf(t, make(t), name, madeGiven[name]))
		})
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func byDuckDB(t testing.TB, query, options string) []byte {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	check(t, err)
	defer db.Close()
	name := filepath.Join(t.TempDir(), "made.parquet")
	_, err = db.Exec("copy (" + query + ") to '" + name + "' (format parquet, " + options + ")")
	check(t, err)
	data, err := os.ReadFile(name)
	check(t, err)
	return data
}

func byParquetGo[T any](t testing.TB, records []T) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, parquet.Write(&b, records))
	return b.Bytes()
}

func gzipped(t testing.TB, zeros int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	writeZeros(t, w, zeros)
	check(t, w.Close())
	return b.Bytes()
}

func writeZeros(t testing.TB, w interface{ Write([]byte) (int, error) }, n int) {
	t.Helper()
	block := bytes.Repeat([]byte("0,0,0,0\n"), 1<<17)
	for ; n > 0; n -= len(block) {
		_, err := w.Write(block[:min(n, len(block))])
		check(t, err)
	}
}

func zipped(t testing.TB, entries map[string]int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, n := range entries {
		w, err := z.Create(name)
		check(t, err)
		writeZeros(t, w, n)
	}
	check(t, z.Close())
	return b.Bytes()
}
