package httpjson

import (
	"encoding/json"
	"strings"
	"time"
)

// position is where reading a table goes on. It is kept beside the rows, so nothing
// secret is in it.
type position struct {
	Read *cursor `json:"read,omitempty"` // the last of the passes that ended
	Pass *course `json:"pass,omitempty"` // the one under way
}

// course is how far a pass has come.
type course struct {
	From  *cursor   `json:"from,omitempty"` // the API is asked since then
	Begun time.Time `json:"begun"`          // by the API's clock
	Last  *cursor   `json:"last,omitempty"` // the latest so far
	At    place     `json:"at"`
}

// text writes the position. A page whose name has a secret in it is not kept: who goes on
// from there begins the pass anew.
func (p position) text(secrets []string) json.RawMessage {
	if p.Pass != nil {
		for _, secret := range secrets {
			if strings.Contains(p.Pass.At.Page, secret) {
				pass := *p.Pass
				pass.At = place{}
				p.Pass = &pass
				break
			}
		}
	}
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // plain data
	}
	return text
}

// ended is the position behind a pass. Rows that changed while it went on may have been
// missed, on pages that were read before; so the next begins no later than this one did,
// less the window.
func (p position) ended() position {
	return position{Read: latest(p.Pass.Last.upTo(p.Pass.Begun), p.Read)}
}
