package query_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/tarnhq/tarn/shared/query"
)

func TestAValueIsReadBackAsItWasWritten(t *testing.T) {
	for _, v := range []query.Value{{}, query.BoolValue(true), query.IntValue(math.MinInt64), query.BigValue(new(big.Int).Lsh(big.NewInt(1), 100)),
		query.FloatValue(math.Inf(1)), query.TimeValue(-1), query.TextValue(""), query.TextValue("é\x00"), query.DecimalValue("1.10")} {
		b := append(v.AppendBinary([]byte("before")), "after"...)
		got, rest, err := query.DecodeValue(b[len("before"):])
		if err != nil || got != v || string(rest) != "after" {
			t.Errorf("%v is read as %v with %q after it, %v", v, got, rest, err)
		}
	}
}

func FuzzDecodeValue(f *testing.F) {
	f.Add(query.TextValue("x").AppendBinary(nil))
	f.Add(query.IntValue(1).AppendBinary(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, rest, err := query.DecodeValue(b)
		if err != nil {
			return
		}
		again, _, err := query.DecodeValue(v.AppendBinary(nil))
		if err != nil || again.String() != v.String() || len(rest) >= len(b) {
			t.Errorf("%v, then %v, %v", v, again, err)
		}
	})
}
