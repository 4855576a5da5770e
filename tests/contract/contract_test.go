// Package contract runs the suites of the ports against the AWS adapters: on
// emulators, or with TARN_AWS=1 in an account. Package oracle says what each
// emulator needs. What an emulator does differently from AWS is listed beside the
// test, claim by claim, with the reason.
package contract

import (
	"path"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/tests/oracle"
)

// excuses are claims of a suite that an emulator cannot show, and why not.
type excuses map[string]string

// apply skips the running test if it is excused. In a real account nothing is.
func (e excuses) apply(t *testing.T) {
	t.Helper()
	if oracle.Real() {
		return
	}
	for claim, reason := range e {
		if path.Base(t.Name()) == strings.ReplaceAll(claim, " ", "_") {
			t.Skip("the emulator: " + reason)
		}
	}
}
