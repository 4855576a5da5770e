package query

import "testing"

func TestRunningTotalsOfFloatsLoseNothingOnTheWay(t *testing.T) {
	var lines []line
	for _, f := range []float64{1, 1e100, 1, -1e100} {
		lines = append(lines, line{slots: []Value{FloatValue(f), {}}})
	}
	lines = append(lines, line{slots: make([]Value, 2)})
	accumulateFloats(lines, 0, 1)
	if got := lines[3].slots[1].Float(); got != 2 {
		t.Errorf("1 + 1e100 + 1 - 1e100 is %v", got)
	}
	if got := lines[4].slots[1].Float(); got != 2 {
		t.Errorf("nothing more makes it %v", got)
	}
}

func TestARunningTotalIsNullBeforeTheFirstValue(t *testing.T) {
	lines := []line{{slots: make([]Value, 2)}, {slots: []Value{IntValue(1<<63 - 1), {}}}, {slots: []Value{IntValue(1), {}}}}
	accumulateInts(lines, 0, 1)
	if !lines[0].slots[1].IsNull() || lines[2].slots[1].String() != "9223372036854775808" {
		t.Errorf("got %v and %v", lines[0].slots[1], lines[2].slots[1])
	}
}
