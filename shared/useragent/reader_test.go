package useragent

import (
	"strconv"
	"testing"
	"unsafe"
)

func TestAReaderParsesNoMoreNewTextsThanItsBound(t *testing.T) {
	text := func(i int) string { return chrome + " bounded/" + strconv.Itoa(i) }
	var first, second Reader
	for round := range 2 { // what a Reader said of a text it says again
		for i := range 2 * MaxNew {
			agent, ok := first.Parse(text(i))
			if ok != (i < MaxNew) || ok != (agent.Browser == "Chrome") {
				t.Errorf("round %d: text %d is %+v, %v", round, i, agent, ok)
			}
		}
	}
	for i := range 2 * MaxNew {
		if agent, ok := second.Parse(text(i)); !ok || agent.Browser != "Chrome" {
			t.Errorf("in the next request, text %d is %+v, %v", i, agent, ok)
		}
	}
}

func TestAReaderKeepsNothingOfItsCallersMemory(t *testing.T) {
	var r Reader
	memory := []byte(chrome)
	r.Parse(unsafe.String(unsafe.SliceData(memory), len(memory)))
	copy(memory, "Googlebot/2.1 (+http://www.google.com/bot.html)")
	if agent, ok := r.Parse(chrome); !ok || agent.Browser != "Chrome" || agent.Bot {
		t.Errorf("%+v, %v", agent, ok)
	}
}

func TestATextIsReadAlikeByAReader(t *testing.T) {
	var r Reader
	for _, text := range []string{"", " ", chrome, " " + chrome, "Googlebot/2.1", "nothing of the kind", chrome} {
		if agent, ok := r.Parse(text); !ok || agent != Parse(text) {
			t.Errorf("%q is %+v, %v", text, agent, ok)
		}
	}
}

func BenchmarkReader(b *testing.B) {
	for name, texts := range map[string][]string{"the same": {chrome}, "by turns": {chrome, chrome + " a/1", chrome + " a/2"}} {
		b.Run(name, func(b *testing.B) {
			var r Reader
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				r.Parse(texts[n%len(texts)])
			}
		})
	}
}
