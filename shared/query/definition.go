package query

// Definition is something named that lives with a dataset: exactly one of its
// pointers is set.
type Definition struct {
	Version   int        `json:"version"`
	Measure   *Measure   `json:"measure,omitempty"`
	Dimension *Dimension `json:"dimension,omitempty"`
	Query     *Request   `json:"query,omitempty"`
}

// Definitions are a dataset's, by name.
type Definitions map[string]Definition
