package sqlserver_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/connector/sqlserver/tdstest"
)

// typed are columns by their type, how each must be selected, what a server then sends, and
// what a dataset has of it. Empty is nothing: a null.
var typed = []struct {
	column
	want string
}{
	{column{typ: "bit", wire: tdstest.BitType, value: tdstest.Int(1, 1)}, `true`},
	{column{typ: "bit", wire: tdstest.BitType, value: tdstest.Int(0, 1)}, `false`},
	{column{typ: "bit", wire: tdstest.BitType, value: tdstest.BitType.Null()}, ``},
	{column{typ: "tinyint", wire: tdstest.IntType(1), value: tdstest.Int(255, 1)}, `255`},
	{column{typ: "smallint", wire: tdstest.IntType(2), value: tdstest.Int(-32768, 2)}, `-32768`},
	{column{typ: "int", wire: tdstest.IntType(4), value: tdstest.Int(-2147483648, 4)}, `-2147483648`},
	{column{typ: "bigint", wire: tdstest.IntType(8), value: tdstest.Int(-1<<63, 8)}, `-9223372036854775808`},
	{column{typ: "decimal", precision: 10, scale: 2, wire: tdstest.DecimalType(10, 2), value: tdstest.Decimal("-1234567890")}, `-1.23456789e+07`},
	{column{typ: "decimal", precision: 38, scale: 20, wire: tdstest.DecimalType(38, 20), value: tdstest.Decimal("12345678901234567850000000000000000000")}, `"123456789012345678.5"`},
	{column{typ: "numeric", precision: 18, wire: tdstest.DecimalType(18, 0), value: tdstest.Decimal("999999999999999999")}, `999999999999999999`},
	{column{typ: "numeric", precision: 5, scale: 4, wire: tdstest.DecimalType(5, 4), value: tdstest.Decimal("-5")}, `-0.0005`},
	{column{typ: "money", wire: tdstest.MoneyType, value: tdstest.Money(-9223372036854775808)}, `"-922337203685477.5808"`},
	{column{typ: "money", wire: tdstest.MoneyType, value: tdstest.Money(-1)}, `-0.0001`},
	{column{typ: "smallmoney", wire: tdstest.SmallMoneyType, value: tdstest.Int(-2147483648, 4)}, `-214748.3648`},
	{column{typ: "real", wire: tdstest.RealType, value: tdstest.Real(0.1)}, `0.1`},
	{column{typ: "float", wire: tdstest.FloatType, value: tdstest.Float(1e-300)}, `1e-300`},
	{column{typ: "date", wire: tdstest.DateType, value: tdstest.Date(day("2024-02-29"))}, `"2024-02-29T00:00:00Z"`},
	{column{typ: "date", wire: tdstest.DateType, value: tdstest.Date(day("0001-01-01"))}, `"0001-01-01T00:00:00Z"`},
	{column{typ: "datetime", wire: tdstest.DateTimeType, value: tdstest.DateTime(-53690, 1)}, `"1753-01-01T00:00:00.003Z"`},
	{column{typ: "datetime", wire: tdstest.DateTimeType, value: tdstest.DateTime(2958463, 25919999)}, `"9999-12-31T23:59:59.997Z"`},
	{column{typ: "smalldatetime", wire: tdstest.SmallDateTimeType, value: tdstest.SmallDateTime(65535, 1439)}, `"2079-06-06T23:59:00Z"`},
	{column{typ: "datetime2", scale: 7, wire: tdstest.DateTime2Type, value: tdstest.DateTime2(noon.Add(123456700))}, `"2026-03-29T12:00:00.123456Z"`},
	{column{typ: "datetimeoffset", scale: 7, wire: tdstest.DateTimeOffsetType, value: tdstest.DateTimeOffset(noon.In(time.FixedZone("", 345*60)))}, `"2026-03-29T12:00:00Z"`},
	{column{typ: "time", scale: 7, wire: tdstest.VarCharType, said: "CONVERT(varchar(16), %, 121)", value: tdstest.Short([]byte("23:59:59.9999999"))}, `"23:59:59.9999999"`},
	{column{typ: "uniqueidentifier", wire: tdstest.VarCharType, said: "CONVERT(varchar(36), %)", value: tdstest.Short([]byte("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"))}, `"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"`},
	{column{typ: "char", bytes: 5, wire: tdstest.VarCharType, value: tdstest.Short([]byte("ab   "))}, `"ab   "`},
	{column{typ: "varchar", bytes: 20, wire: tdstest.VarCharType, value: tdstest.Short([]byte("Z\xfcrich \x80"))}, `"Zürich €"`},
	{column{typ: "varchar", bytes: 20, wire: tdstest.VarCharType, value: tdstest.Short(nil)}, `""`},
	{column{typ: "varchar", bytes: 20, wire: tdstest.VarCharType, value: tdstest.VarCharType.Null()}, ``},
	{column{typ: "nchar", bytes: 10, wire: tdstest.NCharType, value: tdstest.Short(tdstest.Wide("añ😀"))}, `"añ😀"`},
	{column{typ: "nvarchar", bytes: -1, wire: tdstest.NVarCharType, value: tdstest.Long(tdstest.Wide("日本"))}, `"日本"`},
	{column{typ: "nvarchar", bytes: -1, wire: tdstest.NVarCharType, value: tdstest.Long(nil)}, `""`},
	{column{typ: "text", wire: tdstest.TextType, value: tdstest.Old([]byte("\xfc"))}, `"ü"`},
	{column{typ: "ntext", wire: tdstest.NTextType, value: tdstest.Old(tdstest.Wide("ü"))}, `"ü"`},
	{column{typ: "binary", bytes: 4, wire: tdstest.BinaryType, value: tdstest.Short([]byte{0, 0xff, 0, 0})}, `"00ff0000"`},
	{column{typ: "varbinary", bytes: 4, wire: tdstest.VarBinaryType, value: tdstest.Short([]byte{0, 0xff})}, `"00ff"`},
	{column{typ: "varbinary", bytes: -1, wire: tdstest.LongBinaryType, value: tdstest.Long([]byte{1})}, `"01"`},
	{column{typ: "image", wire: tdstest.ImageType, value: tdstest.Old([]byte{2})}, `"02"`},
	{column{typ: "timestamp", wire: tdstest.IntType(8), said: "CONVERT(bigint, %)", value: tdstest.Int(2001, 8)}, `2001`},
	{column{typ: "xml", wire: tdstest.XMLType, value: tdstest.Long(tdstest.Wide("<a/>"))}, `"<a/>"`},
	{column{typ: "json", wire: tdstest.NVarCharType, said: "CONVERT(nvarchar(max), %)", value: tdstest.Long(tdstest.Wide(`{"a":[1]}`))}, `{"a":[1]}`},
	{column{typ: "hierarchyid", wire: tdstest.NVarCharType, said: "%.ToString()", value: tdstest.Long(tdstest.Wide("/1/2/"))}, `"/1/2/"`},
	{column{typ: "geography", wire: tdstest.NVarCharType, said: "%.ToString()", value: tdstest.Long(tdstest.Wide("POINT (8.5 47.4)"))}, `"POINT (8.5 47.4)"`},
	{column{typ: "phone", wire: tdstest.LongBinaryType, said: "CONVERT(varbinary(max), %)", value: tdstest.Long([]byte{3})}, `"03"`},
	{column{typ: "sql_variant", wire: tdstest.VariantType, said: variant, value: tdstest.Variant(0x38, nil, tdstest.Int(7, 4)[1:])}, `"7"`},
	{column{typ: "sql_variant", wire: tdstest.VariantType, said: variant, value: tdstest.Variant(0x3e, nil, tdstest.Float(0.1)[1:])}, `"0.1"`},
	{column{typ: "sql_variant", wire: tdstest.VariantType, said: variant, value: tdstest.Variant(0xe7, []byte{9, 4, 0xd0, 0, 52, 0, 0}, tdstest.Wide("ü"))}, `"ü"`},
	{column{typ: "sql_variant", wire: tdstest.VariantType, said: variant, value: tdstest.VariantType.Null()}, ``},
}

// variant is how a sql_variant must be selected.
const variant = `CASE WHEN SQL_VARIANT_PROPERTY(%, 'BaseType') = 'uniqueidentifier' THEN CONVERT(sql_variant, CONVERT(varchar(36), CONVERT(uniqueidentifier, %))) ` +
	`WHEN SQL_VARIANT_PROPERTY(%, 'BaseType') IN ('binary', 'varbinary') THEN CONVERT(sql_variant, CONVERT(varchar(8000), CONVERT(varbinary(4000), %), 2)) ELSE % END`

func day(text string) time.Time {
	t, err := time.Parse("2006-01-02", text)
	if err != nil {
		panic(err) // a test's own
	}
	return t
}

func (o origin) Typed(t *testing.T) (name string, want []string) {
	t.Helper()
	made := table{name: "typed"}
	var members []string
	for i, c := range typed {
		c.name, c.nullable = fmt.Sprintf("c%02d", i), true
		made.columns = append(made.columns, c.column)
		if c.want != "" {
			members = append(members, `"`+c.name+`":`+c.want)
		}
	}
	o.add(made)
	return "typed", []string{"{" + strings.Join(members, ",") + "}"}
}
