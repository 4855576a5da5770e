package dataset

import (
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func TestAnIntReadsTheSameThroughAFloat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.Int64().Draw(t, "int")
		exact := ExactFloat(i)
		if got := FormatFloat(float64(i)) == strconv.FormatInt(i, 10); exact && !got {
			t.Fatalf("%d becomes %s", i, FormatFloat(float64(i)))
		}
	})
}

func TestFormatFloatReadsBackTheSame(t *testing.T) {
	if got := FormatFloat(math.Copysign(0, -1)); got != "-0" {
		t.Errorf("the negative zero becomes %s", got)
	}
	cases := map[float64]string{
		0: "0", 5: "5", -1.5: "-1.5", 1e6: "1000000", 1 << 53: "9007199254740992",
		1e21: "1e+21", 5e-324: "5e-324", -1 << 63: "-9223372036854775808",
	}
	for f, want := range cases {
		if got := FormatFloat(f); got != want {
			t.Errorf("FormatFloat(%g) = %s, want %s", f, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "float")
		back, err := strconv.ParseFloat(FormatFloat(f), 64)
		if err != nil || math.Float64bits(back) != math.Float64bits(f) {
			t.Fatalf("%g becomes %s", f, FormatFloat(f))
		}
	})
}

func TestAColumnWidensAloneOrTogetherToTheSame(t *testing.T) {
	columns := rapid.Custom(func(t *rapid.T) Column {
		c := Column{Name: "c", Type: rapid.SampledFrom([]Type{Bool, Int, Float, Text, Time, JSON}).Draw(t, "type")}
		c.Wide = c.Type == Int && rapid.Bool().Draw(t, "wide")
		return c
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := columns.Draw(t, "a"), columns.Draw(t, "b")
		ab, ba := a.Widen(b), b.Widen(a)
		if ab != ba || ab.Widen(a) != ab || ab.Widen(b) != ab {
			t.Fatalf("%v and %v widen to %v and %v", a, b, ab, ba)
		}
		if wide := a.Wide || b.Wide; wide && ab.Type == Float {
			t.Fatalf("%v and %v widen to a float", a, b)
		}
	})
}
