package main

import (
	"context"
	"fmt"
	"os/exec"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var perEvent = regexp.MustCompile(`^BenchmarkDecode(\S*?)(?:-\d+)?\s.*?([\d.]+) ns/event`)

// decoders runs the benchmarks of the decoders for some time each, and returns what an
// event costs by the package and the rest of the benchmark's name, as in
// "otlp/logs/JSON".
func decoders(ctx context.Context, long time.Duration) (map[string]costs, error) {
	if long == 0 {
		return nil, nil
	}
	bench := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkDecode$", "-benchtime", long.String(), "./shared/ingest/...") // #nosec G204 -- a duration
	out, err := bench.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	all, in := map[string]costs{}, ""
	for line := range strings.Lines(string(out)) {
		if name, found := strings.CutPrefix(line, "pkg: "); found {
			in = path.Base(strings.TrimSpace(name))
		}
		if m := perEvent.FindStringSubmatch(line); m != nil {
			ns, err := strconv.ParseFloat(m[2], 64)
			if err != nil {
				return nil, err
			}
			all[in+m[1]] = costs{time.Duration(ns)}
		}
	}
	return all, nil
}
