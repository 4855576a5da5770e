package sqlrun

import (
	"slices"

	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/fault"
)

// arguments puts parameters into the order of a statement's.
func arguments(names []string, given []engine.Parameter) ([]engine.Parameter, error) {
	if len(names) != len(given) {
		return nil, fault.New(fault.Invalid, "sql_parameter", "the statement has %d parameters, and %d were sent", len(names), len(given))
	}
	out := make([]engine.Parameter, len(names))
	for i, name := range names {
		at := slices.IndexFunc(given, func(p engine.Parameter) bool { return p.Name == name })
		if at < 0 {
			return nil, fault.New(fault.Invalid, "sql_parameter", "parameter %.80q is missing", name)
		}
		out[i] = given[at]
	}
	return out, nil
}
