package sqlrun

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
)

// FuzzDecodeRows is what a process that was taken over may say.
func FuzzDecodeRows(f *testing.F) {
	f.Add(encodeRows([][]query.Value{{query.IntValue(1), query.TextValue("x")}, {query.Value{}, query.BoolValue(true)}}), 2, 2)
	f.Add([]byte{}, 1, 0)
	f.Add([]byte{0}, 1, 1<<40)
	f.Fuzz(func(t *testing.T, b []byte, columns, n int) {
		rows, err := decodeRows(b, columns, n)
		if err != nil {
			return
		}
		if len(rows) != n {
			t.Fatalf("%d rows of %d", len(rows), n)
		}
		again, err := decodeRows(encodeRows(rows), columns, n)
		if err != nil || len(again) != n {
			t.Error(err)
		}
	})
}

func TestAProcessBlamesTheCallerOrNobody(t *testing.T) {
	for kind, want := range map[fault.Kind]fault.Kind{
		fault.Invalid: fault.Invalid, fault.TooLarge: fault.TooLarge, fault.Unavailable: fault.Unavailable,
		fault.Internal: fault.Internal, fault.Unauthenticated: fault.Internal, fault.Denied: fault.Internal, fault.NotFound: fault.Internal, 200: fault.Internal,
	} {
		err := (&refusal{Kind: kind, Code: "x", Message: string(make([]byte, maxText+1))}).err()
		if got := fault.KindOf(err); got != want {
			t.Errorf("kind %d becomes %v", kind, got)
		}
		var f *fault.Error
		if errors.As(err, &f) && len(f.Message) > maxText+len("…") {
			t.Errorf("its message has %d bytes", len(f.Message))
		}
	}
}

func TestTypesAreReadAsDuckDBWritesThem(t *testing.T) {
	for text, transport := range map[string]string{
		"INTEGER":                               "INTEGER",
		"DECIMAL(18,3)":                         "DECIMAL(18,3)",
		"JSON[]":                                "VARCHAR[]",
		"INTEGER[2][]":                          "INTEGER[2][]",
		"ENUM('a', 'b(,''')":                    "VARCHAR",
		"TIME WITH TIME ZONE":                   "VARCHAR",
		"MAP(VARCHAR, TIMESTAMP_NS[])":          "MAP(VARCHAR, VARCHAR[])",
		`STRUCT(a INTEGER, "x "" y" ENUM('z'))`: `STRUCT("a" INTEGER, "x "" y" VARCHAR)`,
		"STRUCT(INTEGER, TIMESTAMP WITH TIME ZONE, DECIMAL(5,2))": `STRUCT("0" INTEGER, "1" TIMESTAMP WITH TIME ZONE, "2" DECIMAL(5,2))`,
		"UNION(a UUID, b STRUCT(c BIT))[]":                        `UNION("a" VARCHAR, "b" STRUCT("c" VARCHAR))[]`,
	} {
		k, err := parseKind(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(transport, k.transport()); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
	for _, text := range []string{"", "STRUCT(", "STRUCT(a INTEGER", `STRUCT("a INTEGER)`, "MAP(INTEGER", "INTEGER[", "ENUM('a", "INTEGER)", "STRUCT()"} {
		if k, err := parseKind(text); err == nil {
			t.Errorf("%q is read as %v", text, k)
		}
	}
}
