package scenario

import (
	"os"
	"testing"
)

func TestTheContractOnARunningServer(t *testing.T) {
	at := Target{URL: os.Getenv("TARN_URL"), Key: os.Getenv("TARN_API_KEY")}
	if at.URL == "" || at.Key == "" {
		t.Skip("NOT TESTED: no server is named; to enable it: make test-stage URL=https://… KEY=tarn_…")
	}
	Run(t, at)
}
