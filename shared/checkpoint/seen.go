package checkpoint

import (
	"slices"

	"github.com/tarnhq/tarn/events"
)

// Limits of what a mark remembers of producers; docs/commit.md says why they are safe.
const (
	maxGaps    = 4096
	forgetting = 24 * 60 * 60 * 1_000_000 // microseconds of silence
)

// Lane is where a producer counts its positions: one per bucket. (The dataset is
// the mark's.)
type Lane struct {
	Producer events.Producer `json:"producer,string"`
	Bucket   uint16          `json:"bucket"`
}

// Span is a run of positions, [From, To).
type Span [2]uint64

// Seen is what a shard has folded of each lane.
type Seen struct {
	lanes map[Lane]lane
	news  int64 // latest arrival of any lane but those of replays
}

type lane struct {
	spans  []Span // ascending, apart
	last   int64  // when it was last heard of, UTC microseconds
	replay bool   // of what is in quarantine
}

// Has reports whether a position was folded before.
func (s *Seen) Has(l Lane, position uint64) bool { return s.Any(l, position, position+1) }

// Any reports whether one of the positions [from, to) was folded before.
func (s *Seen) Any(l Lane, from, to uint64) bool {
	spans := s.lanes[l].spans
	i, _ := slices.BinarySearchFunc(spans, from, func(sp Span, p uint64) int {
		if sp[1] <= p {
			return -1
		}
		return 1
	})
	return i < len(spans) && spans[i][0] < to
}

// Add notes positions [from, to) of a lane, which arrived at a time in UTC
// microseconds. A lane is as fresh as the newest arrival so far.
func (s *Seen) Add(l Lane, from, to uint64, arrived int64) {
	s.news = max(s.news, arrived)
	s.add(l, from, to, lane{last: s.news})
}

// AddReplay notes positions [from, to) of the lane of a replay, which were folded at a
// time in UTC microseconds: its events keep the arrival they had, however long ago.
func (s *Seen) AddReplay(l Lane, from, to uint64, folded int64) {
	s.add(l, from, to, lane{last: max(s.news, folded), replay: true})
}

func (s *Seen) add(l Lane, from, to uint64, heard lane) {
	if from >= to {
		return
	}
	if s.lanes == nil {
		s.lanes = map[Lane]lane{}
	}
	heard.spans = insert(s.lanes[l].spans, Span{from, to})
	s.lanes[l] = heard
}

// insert returns spans with one more, in a new slice unless the last one grows.
func insert(spans []Span, sp Span) []Span {
	i := len(spans)
	for i > 0 && spans[i-1][1] >= sp[0] { // those that touch or follow it
		i--
	}
	j := i
	for j < len(spans) && spans[j][0] <= sp[1] {
		sp = Span{min(sp[0], spans[j][0]), max(sp[1], spans[j][1])}
		j++
	}
	out := make([]Span, 0, len(spans)-(j-i)+1)
	out = append(append(append(out, spans[:i]...), sp), spans[j:]...)
	if len(out) > maxGaps {
		out = append([]Span{{out[0][0], out[1][1]}}, out[2:]...)
	}
	return out
}

// Clone returns a Seen that changes on its own.
func (s *Seen) Clone() Seen {
	out := Seen{lanes: make(map[Lane]lane, len(s.lanes)), news: s.news}
	for l, was := range s.lanes {
		out.lanes[l] = was // insert copies spans before it changes them
	}
	return out
}

// Merge adds everything that other has seen.
func (s *Seen) Merge(other Seen) {
	for l, was := range other.lanes {
		for _, sp := range was.spans {
			s.again(l, sp, was.last, was.replay)
		}
	}
}

// again notes what was noted elsewhere.
func (s *Seen) again(l Lane, sp Span, last int64, replay bool) {
	if replay {
		s.AddReplay(l, sp[0], sp[1], last)
	} else {
		s.Add(l, sp[0], sp[1], last)
	}
}

// Forget drops lanes that have been silent for long, but for those of replays that may
// be repeated.
func (s *Seen) Forget(repeatable func(events.Producer) bool) {
	for l, was := range s.lanes {
		if s.news-was.last > forgetting && !(was.replay && repeatable(l.Producer)) {
			delete(s.lanes, l)
		}
	}
}

// laneJSON is how a lane is stored.
type laneJSON struct {
	Lane
	Last   int64  `json:"last"`
	Replay bool   `json:"replay,omitempty"`
	Spans  []Span `json:"spans"`
}

func (s *Seen) list() []laneJSON {
	out := make([]laneJSON, 0, len(s.lanes))
	for l, was := range s.lanes {
		out = append(out, laneJSON{l, was.last, was.replay, was.spans})
	}
	slices.SortFunc(out, func(a, b laneJSON) int {
		if a.Producer != b.Producer {
			if a.Producer < b.Producer {
				return -1
			}
			return 1
		}
		return int(a.Bucket) - int(b.Bucket)
	})
	return out
}

func seenOf(list []laneJSON) Seen {
	s := Seen{}
	for _, l := range list {
		for _, sp := range l.Spans {
			s.again(l.Lane, sp, l.Last, l.Replay)
		}
	}
	return s
}
