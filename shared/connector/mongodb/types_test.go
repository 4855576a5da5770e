package mongodb_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

func decimal(text string) bson.Decimal128 {
	d, err := bson.ParseDecimal128(text)
	if err != nil {
		panic(err)
	}
	return d
}

// every are values by their type, and what a dataset has of each in a column of its own.
// Empty is nothing: a null.
var every = []struct {
	value any
	typ   dataset.Type
	want  string
}{
	{int32(-2147483648), dataset.Int, `-2147483648`},
	{int64(math.MinInt64), dataset.Int, `-9223372036854775808`},
	{0.1, dataset.Float, `0.1`},
	{math.Copysign(0, -1), dataset.Float, `-0`},
	{5e-324, dataset.Float, `5e-324`},
	{math.NaN(), dataset.Text, `"NaN"`},
	{math.Inf(-1), dataset.Text, `"-Inf"`},
	{decimal("0.10"), dataset.Float, `0.1`},
	{decimal("1E+3"), dataset.Float, `1000`},
	{decimal("123456789012345"), dataset.Float, `123456789012345`},
	{decimal("1234567890.123456"), dataset.Text, `"1234567890.123456"`},
	{decimal("1E+400"), dataset.Text, `"1E+400"`},
	{decimal("1E-400"), dataset.Text, `"1E-400"`},
	{decimal("NaN"), dataset.Text, `"NaN"`},
	{decimal("-Infinity"), dataset.Text, `"-Infinity"`},
	{true, dataset.Bool, `true`},
	{"", dataset.Text, `""`},
	{"a\x00b <&> ü😀", dataset.Text, `"a\u0000b <&> ü😀"`},
	{bson.DateTime(-1), dataset.Time, `"1969-12-31T23:59:59.999Z"`},
	{bson.DateTime(253402300799999), dataset.Time, `"9999-12-31T23:59:59.999Z"`},
	{bson.DateTime(253402300800000), dataset.Text, `"10000-01-01T00:00:00Z"`},
	{bson.DateTime(-62198755200000), dataset.Text, `"-0001-01-01T00:00:00Z"`},
	{bson.ObjectID{0x65, 1}, dataset.Text, `"650100000000000000000000"`},
	{bson.Binary{Subtype: bson.TypeBinaryUUID, Data: []byte("0123456789abcdef")}, dataset.Text, `"30313233-3435-3637-3839-616263646566"`},
	{bson.Binary{Subtype: bson.TypeBinaryUUIDOld, Data: []byte("0123456789abcdef")}, dataset.Text, `"30313233343536373839616263646566"`},
	{bson.Binary{Subtype: bson.TypeBinaryUUID, Data: []byte{1}}, dataset.Text, `"01"`},
	{bson.Binary{Subtype: 0x80}, dataset.Text, `""`},
	{bson.D{{Key: "n", Value: int64(math.MaxInt64)}, {Key: "f", Value: 1.0}, {Key: "d", Value: bson.DateTime(-1)}, {Key: "<", Value: nil}}, dataset.JSON,
		`{"n":9223372036854775807,"f":1.0,"d":{"$date":{"$numberLong":"-1"}},"<":null}`},
	{bson.A{bson.DateTime(1), decimal("1.10"), bson.ObjectID{1}, math.NaN()}, dataset.JSON,
		`[{"$date":"1970-01-01T00:00:00.001Z"},{"$numberDecimal":"1.10"},{"$oid":"010000000000000000000000"},{"$numberDouble":"NaN"}]`},
	{bson.D{}, dataset.JSON, `{}`},
	{bson.Timestamp{T: 4294967295, I: 1}, dataset.Text, `"{\"$timestamp\":{\"t\":4294967295,\"i\":1}}"`},
	{bson.Regex{Pattern: "^a", Options: "i"}, dataset.Text, `"{\"$regularExpression\":{\"pattern\":\"^a\",\"options\":\"i\"}}"`},
	{bson.JavaScript("x"), dataset.Text, `"{\"$code\":\"x\"}"`},
	{bson.CodeWithScope{Code: "x", Scope: bson.D{{Key: "a", Value: int32(1)}}}, dataset.Text, `"{\"$code\":\"x\",\"$scope\":{\"a\":1}}"`},
	{bson.Symbol("s"), dataset.Text, `"s"`},
	{bson.DBPointer{DB: "d", Pointer: bson.ObjectID{1}}, dataset.Text, `"{\"$dbPointer\":{\"$ref\":\"d\",\"$id\":{\"$oid\":\"010000000000000000000000\"}}}"`},
	{bson.MinKey{}, dataset.Text, `"{\"$minKey\":1}"`},
	{bson.MaxKey{}, dataset.Text, `"{\"$maxKey\":1}"`},
	{bson.Undefined{}, "", ``},
	{nil, "", ``},
}

func TestAValueOfEveryTypeIsWhatItWas(t *testing.T) {
	doc, row := bson.D{}, []string{}
	types := map[string]dataset.Type{}
	for i, e := range every {
		name := fmt.Sprintf("c%02d", i)
		doc = append(doc, bson.E{Key: name, Value: e.value})
		if e.want != "" {
			row = append(row, `"`+name+`":`+e.want)
			types[name] = e.typ
		}
	}
	s := &shop{docs: []bson.Raw{raw(t, doc)}}
	source := open(t, s, connector.Config{})
	if diff := cmp.Diff([]string{"{" + strings.Join(row, ",") + "}"}, read(t, source, connector.Read{Table: whole})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	found, err := source.Discover(t.Context())
	if err != nil || len(found) != 1 {
		t.Fatalf("discovered %v, %v", found, err)
	}
	got := map[string]dataset.Type{}
	for _, c := range found[0].Columns {
		got[c.Name] = c.Becomes
	}
	if diff := cmp.Diff(types, got); diff != "" {
		t.Errorf("discovered -want +got:\n%s", diff)
	}
}

func TestAColumnOfSeveralTypesIsWidenedAndNothingIsCoerced(t *testing.T) {
	at := bson.DateTime(0)
	for name, c := range map[string]struct {
		values []any
		want   string
	}{
		"ints and floats":                {[]any{int32(1), 1.5}, `float 1 1.5`},
		"a float, and an int it is not":  {[]any{1.5, int64(9007199254740993)}, `text "1.5" "9007199254740993"`},
		"a decimal and an int":           {[]any{decimal("1.50"), int32(2)}, `float 1.5 2`},
		"a long decimal and a short one": {[]any{decimal("1.50"), decimal("1.2345678901234567")}, `text "1.5" "1.2345678901234567"`},
		"a number and a text":            {[]any{int32(1), "1"}, `text "1" "1"`},
		"a number and no number":         {[]any{1e300, math.NaN()}, `text "1e+300" "NaN"`},
		"a date and a text":              {[]any{at, "x"}, `text "1970-01-01T00:00:00Z" "x"`},
		"a date and a far one":           {[]any{at, bson.DateTime(math.MaxInt64)}, `text "1970-01-01T00:00:00Z" "292278994-08-17T07:12:55.807Z"`},
		"a truth and a number":           {[]any{true, int32(1)}, `text "true" "1"`},
		"an id and its digits":           {[]any{bson.ObjectID{1}, "01"}, `text "010000000000000000000000" "01"`},
		"an array and all the rest":      {[]any{bson.A{"x"}, "x", int32(1), 2.0, true, at, math.NaN(), nil, bson.MinKey{}}, `json ["x"] "x" 1 2 true "1970-01-01T00:00:00Z" "NaN" null "{\"$minKey\":1}"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := &shop{}
			for i, v := range c.values {
				s.docs = append(s.docs, raw(t, bson.D{{Key: "_id", Value: i}, {Key: "v", Value: v}}))
			}
			for b, err := range open(t, s, connector.Config{}).Read(t.Context(), connector.Read{Table: whole}) {
				if err != nil {
					t.Fatal(err)
				}
				got := string(b.Rows.Columns[1].Type)
				for row := range b.Rows.Len {
					text := strings.TrimSuffix(string(b.Rows.AppendJSON(nil, row)), "}")
					if _, after, ok := strings.Cut(text, `"v":`); ok {
						got += " " + after
					} else {
						got += " null"
					}
				}
				if got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
			}
		})
	}
}

func TestADocumentThatNoRowCanHoldGoesToQuarantineAndHoldsUpNoOther(t *testing.T) {
	long := strings.Repeat("n", 201)
	broken := raw(t, bson.D{{Key: "_id", Value: 5}, {Key: "v", Value: "ab"}})
	broken[len(broken)-3] = 0xff
	nested := raw(t, bson.D{{Key: "_id", Value: 6}, {Key: "v", Value: bson.A{bson.D{{Key: "w", Value: "ab"}}}}})
	nested[len(nested)-5] = 0xff
	s := &shop{docs: []bson.Raw{
		raw(t, bson.D{{Key: "_id", Value: 1}, {Key: "v", Value: "good"}}),
		raw(t, bson.D{{Key: "_id", Value: 2}, {Key: "", Value: "x"}}),
		raw(t, bson.D{{Key: "_id", Value: 3}, {Key: long, Value: "x"}}),
		raw(t, bson.D{{Key: "_id", Value: 4}, {Key: "v", Value: 1}, {Key: "v", Value: 2}}),
		broken, nested,
		raw(t, bson.D{{Key: "_id", Value: 7}, {Key: "v", Value: "good"}}),
	}}
	for b, err := range open(t, s, connector.Config{}).Read(t.Context(), connector.Read{Table: whole}) {
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, bad := range b.Bad {
			got = append(got, bad.Row+": "+bad.Reason)
			if len(bad.Raw) == 0 || bad.Code != "bad_document" {
				t.Errorf("%+v", bad)
			}
		}
		name, twice, utf8 := "a field has a name that a column cannot have: 1 to 200 bytes of UTF-8", "a field is there twice", "a text in it is no UTF-8"
		want := []string{"things _id 2: " + name, "things _id 3: " + name, "things _id 4: " + twice, "things _id 5: " + utf8, "things _id 6: " + utf8}
		if diff := cmp.Diff(want, got); diff != "" || b.Rows.Len != 2 {
			t.Errorf("%d rows; -want +got:\n%s", b.Rows.Len, diff)
		}
	}
}

func TestMoreFieldsThanADatasetHasColumnsAreRefusedWithAWayOut(t *testing.T) {
	s := &shop{}
	for i := range 251 {
		s.docs = append(s.docs, raw(t, bson.D{{Key: fmt.Sprint("f", i), Value: i}}))
	}
	for _, err := range open(t, s, connector.Config{}).Read(t.Context(), connector.Read{Table: whole}) {
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "250 fields") {
			t.Errorf("251 fields: %v", err)
		}
	}
}
