package e2e

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

var (
	clientsFor  = flag.Duration("clients.for", 10*time.Second, "for how long all clients send at the same time")
	clientsSeed = flag.Uint64("clients.seed", 0, "of what happens to them; 0: another one each time")
)

// TestAllProducersAtOnce drives all clients at the same time against one server, each turn
// after turn into a dataset of its own, through connections that break, lose answers and
// refuse at random, while the server is killed and started again. The ledger of each
// balances at the end, and each event is there once.
func TestAllProducersAtOnce(t *testing.T) {
	seed := *clientsSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-clients.for %v -clients.seed %d", *clientsFor, seed)
	data := t.TempDir()
	p := start(t, data)
	var all []*endless
	for i, c := range slices.Concat(producers, unnamed) {
		present(t, c.module)
		all = append(all, newEndless(t, p, c, i, seed))
	}
	ctx, cancel := context.WithTimeout(t.Context(), *clientsFor+3*time.Minute)
	defer cancel()
	over := time.Now().Add(*clientsFor)
	var sending sync.WaitGroup
	for _, e := range all {
		sending.Go(func() { e.run(ctx, over) })
	}
	p = killed(t, p, data, all, over, rand.New(rand.NewPCG(seed, 1<<32)))
	sending.Wait()
	report(t, p, all)
	quiet(t, data)
}

// killed ends the server again and again until a time, twice at least, starts it again each
// time, and returns the last that runs.
func killed(t *testing.T, p *process, data string, all []*endless, over time.Time, rng *rand.Rand) *process {
	t.Helper()
	kills := max(2, int(time.Until(over)/(5*time.Second)))
	for left := kills; left > 0; left-- {
		share := time.Until(over) / time.Duration(left)
		<-time.After(share/4 + time.Duration(rng.Int64N(int64(max(share/2, 1)))))
		p.kill(t)
		p = start(t, data)
		for _, e := range all {
			e.trouble.aim(t, p.URL)
		}
	}
	t.Logf("the server was killed %d times", kills)
	return p
}

// endless is a client that sends turn after turn.
type endless struct {
	producer
	into     string
	key      string
	trouble  *trouble
	turns    int // that came to their end
	doubtful []string
	err      error
}

func newEndless(t *testing.T, p *process, c producer, number int, seed uint64) *endless {
	t.Helper()
	into := fmt.Sprintf("clients%d", number)
	turns := slices.DeleteFunc(slices.Clone(c.trouble), func(what string) bool { return what == "413" })
	if slices.Contains(turns, "lost") {
		turns = append(turns, "unsaid")
	}
	rng := rand.New(rand.NewPCG(seed, uint64(number))) // #nosec G115 -- a small number
	return &endless{producer: c, into: into, key: p.boundTo(t, into), trouble: newTrouble(t, p.URL, false, atRandom(rng, turns))}
}

// run begins turns until a time, or until one answer could not tell all events apart, and
// ends the last of them.
func (e *endless) run(ctx context.Context, over time.Time) {
	for time.Now().Before(over) && (e.turns+1)*e.events <= mostRows {
		doubtful, err := e.send(ctx, turn{e.trouble.server.URL, e.key, e.into, e.turns * each, each})
		if err != nil {
			e.err = err
			return
		}
		e.doubtful = append(e.doubtful, doubtful...)
		e.turns++
	}
}

// report checks what arrived of each client's, and draws up a table of it.
func report(t *testing.T, p *process, all []*endless) {
	t.Helper()
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "sent\tin doubt\tstored\tduplicate\tquarantined\t429\t503\tcut\tlost\tunsaid\tpassed\t  client")
	happened := map[string]int{}
	for _, e := range all {
		if e.err != nil {
			t.Errorf("%s, turn %d: %v", e.name, e.turns, e.err)
			continue
		}
		l := e.check(t, p.client, e.into, e.turns*(e.events+e.refused)-len(e.doubtful), e.turns, e.doubtful)
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t", e.turns*e.events, len(e.doubtful), l.Stored, l.Duplicate, l.Quarantined)
		for _, what := range []string{"429", "503", "cut", "lost", "unsaid", "passed"} {
			n := e.trouble.times(what)
			fmt.Fprintf(w, "%d\t", n)
			happened[what] += n
		}
		fmt.Fprintf(w, "  %s\n", e.name)
		happened["duplicate"] += int(l.Duplicate)
	}
	_ = w.Flush() // to memory
	t.Logf("\n%s", strings.TrimRight(table.String(), "\n"))
	for _, what := range []string{"429", "503", "cut", "lost", "unsaid", "duplicate"} {
		if happened[what] == 0 {
			t.Errorf("nothing was %s", what)
		}
	}
}
