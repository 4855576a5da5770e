// Package measure holds what the load programs share: the events they send, the
// connections they send them by, the servers they send them to, and how the
// processor time and memory of those are read. Processor time, not wall time, is
// what a comparison on a shared machine can go by.
package measure

import (
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

// Fatal ends the program when err is not nil.
func Fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// Table prints rows of cells in columns.
func Table(title string, rows ...[]string) {
	fmt.Printf("\n%s\n", title)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', tabwriter.AlignRight)
	for _, row := range rows {
		for _, cell := range row {
			fmt.Fprint(w, cell, "\t")
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush() // to a terminal or a file: nobody could be told
}

// Quantile returns the q-th quantile of durations, the nearest one of them.
func Quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// Millis writes a duration in milliseconds.
func Millis(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000)
}

// MiB writes a number of bytes.
func MiB(bytes int64) string { return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20)) }
