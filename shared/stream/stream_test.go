package stream

import "testing"

func TestPreviousIsOneBelow(t *testing.T) {
	for s, want := range map[Sequence]Sequence{"1": "", "2": "1", "10": "9", "1000": "999", "101": "100", "": "",
		"49590338271490256608559692538361571095921575989136588898": "49590338271490256608559692538361571095921575989136588897"} {
		if got := s.Previous(); got != want {
			t.Errorf("Previous of %q is %q, want %q", s, got, want)
		}
	}
}

func TestNextIsOneAbove(t *testing.T) {
	for s, want := range map[Sequence]Sequence{"": "1", "1": "2", "9": "10", "109": "110", "999": "1000"} {
		if got := s.Next(); got != want || got.Previous() != s {
			t.Errorf("Next of %q is %q, want %q", s, got, want)
		}
	}
}

func TestLongerSequencesAreLater(t *testing.T) {
	ascending := []Sequence{"", "1", "9", "10", "99", "100"}
	for i, s := range ascending {
		for j, u := range ascending {
			if got := s.After(u); got != (i > j) {
				t.Errorf("%q after %q: %v", s, u, got)
			}
		}
	}
}
