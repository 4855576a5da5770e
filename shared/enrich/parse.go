package enrich

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
)

// MaxBody bounds the text of a list, in bytes.
const MaxBody = 64 << 10

// kinds are the names of steps.
var kinds = []string{"rename", "cast", "drop", "hash", "look_up", "parse_user_agent", "sample", "filter"}

// Parse reads a list of steps. What is wrong with it is fault.Invalid, with the number of
// the step, from 1.
func Parse(text []byte) ([]Step, error) {
	if len(text) > MaxBody {
		return nil, fault.New(fault.TooLarge, "enrichment_too_large", "the steps have more than %d bytes", MaxBody)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil || list == nil {
		return nil, bad("the steps are no list").WithHint(`"steps": [{"drop": {"field": "email"}}]`)
	}
	if len(list) > MaxSteps {
		return nil, bad("there are %d steps; at most %d are possible", len(list), MaxSteps)
	}
	steps, lookUps := make([]Step, len(list)), 0
	for i, one := range list {
		var err error
		if steps[i], err = parseStep(one); err == nil {
			err = steps[i].check()
		}
		if err != nil {
			return nil, at(i, err)
		}
		if steps[i].LookUp != nil {
			lookUps++
		}
	}
	if lookUps > maxLookUps {
		return nil, bad("there are %d look-ups; at most %d are possible", lookUps, maxLookUps)
	}
	return steps, nil
}

// at says of which step something is wrong.
func at(i int, err error) error {
	var e *fault.Error
	if !errors.As(err, &e) {
		return err
	}
	told := *e
	told.Message = fmt.Sprintf("step %d: %s", i+1, e.Message)
	return &told
}

func parseStep(text []byte) (s Step, err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || len(members) != 1 {
		return s, bad("a step is an object with one member, which names what it does").WithHint("one of: %s", strings.Join(kinds, ", "))
	}
	for kind, body := range members {
		switch kind {
		case "rename":
			s.Rename, err = strict[Rename](body, "from", "to")
		case "cast":
			s.Cast, err = strict[Cast](body, "field", "to")
		case "drop":
			s.Drop, err = strict[Field](body, "field")
		case "hash":
			s.Hash, err = strict[Field](body, "field")
		case "look_up":
			s.LookUp, err = strict[LookUp](body, "dataset", "key", "by", "take", "prefix")
		case "parse_user_agent":
			s.Parse, err = strict[UserAgent](body, "field", "prefix")
		case "sample":
			s.Sample, err = strict[Sample](body, "share", "by")
		case "filter":
			var f query.Filter
			f, err = query.DecodeRestriction(body)
			s.Filter = &f
		default:
			err = bad("%.40q is no step", kind).WithHint("one of: %s", strings.Join(kinds, ", "))
		}
	}
	return s, err
}

// strict decodes an object whose members are among names, spelled like that.
func strict[T any](text []byte, names ...string) (*T, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return nil, bad("an object was expected").WithHint("it has: %s", strings.Join(names, ", "))
	}
	for name := range members {
		if !slices.Contains(names, name) {
			return nil, bad("there is no member %.40q", name).WithHint("there are: %s", strings.Join(names, ", "))
		}
	}
	out := new(T)
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(out); err != nil {
		return nil, bad("a member has a value of the wrong type").WithHint("there are: %s", strings.Join(names, ", ")).Because(err)
	}
	return out, nil
}
