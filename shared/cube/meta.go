package cube

import "github.com/tarnhq/tarn/shared/query"

// Meta describes cubes as Cube's clients read it.
type Meta struct {
	Cubes []Schema `json:"cubes"`
}

// Schema describes a cube.
type Schema struct {
	Name       string      `json:"name"`
	Title      string      `json:"title"`
	Type       string      `json:"type"`
	Public     bool        `json:"public"`
	Visible    bool        `json:"isVisible"`
	Component  int         `json:"connectedComponent"` // cubes that can be joined share one: none can
	Measures   []Measure   `json:"measures"`
	Dimensions []Dimension `json:"dimensions"`
	Segments   []string    `json:"segments"`      // none
	Folders    []string    `json:"folders"`       // none
	Nested     []string    `json:"nestedFolders"` // none
	Hierarchy  []string    `json:"hierarchies"`   // none
}

// Member is what measures and dimensions have in common.
type Member struct {
	Name       string `json:"name"`
	Title      string `json:"title"`
	ShortTitle string `json:"shortTitle"`
	Type       string `json:"type"`
	Public     bool   `json:"public"`
	Visible    bool   `json:"isVisible"`
}

// Measure describes a measure.
type Measure struct {
	Member
	AggType    string              `json:"aggType"`
	Cumulative bool                `json:"cumulative"`
	Drill      []string            `json:"drillMembers"`        // none
	Grouped    map[string][]string `json:"drillMembersGrouped"` // none
}

// Dimension describes a dimension.
type Dimension struct {
	Member
	Suggest bool `json:"suggestFilterValues"`
	Primary bool `json:"primaryKey"`
}

// aggregates are Cube's names of what measures compute; of all else it is a number.
var aggregates = map[query.Op]string{query.Count: "count", query.CountDistinct: "countDistinct", query.ApproxDistinct: "countDistinctApprox",
	query.Sum: "sum", query.Avg: "avg", query.Min: "min", query.Max: "max", query.RunningTotal: "runningTotal"}

// Describe describes a cube; component is a number that no other has.
func (c Cube) Describe(component int) Schema {
	none := []string{}
	out := Schema{Name: string(c.Name), Title: title(string(c.Name)), Type: "cube", Public: true, Visible: true, Component: component,
		Measures: []Measure{}, Dimensions: []Dimension{}, Segments: none, Folders: none, Nested: none, Hierarchy: none}
	for _, m := range c.measures() {
		as, ok := aggregates[m.op]
		if !ok {
			as = "number"
		}
		out.Measures = append(out.Measures, Measure{Member: c.describe(m.name, m.typ), AggType: as, Cumulative: m.op == query.RunningTotal,
			Drill: none, Grouped: map[string][]string{"measures": none, "dimensions": none}})
	}
	for _, d := range c.dimensions() {
		out.Dimensions = append(out.Dimensions, Dimension{Member: c.describe(d.name, typeOf(d.column.Type)), Suggest: true})
	}
	return out
}

func (c Cube) describe(name, typ string) Member {
	return Member{Name: c.member(name), Title: title(string(c.Name) + " " + name), ShortTitle: title(name), Type: typ, Public: true, Visible: true}
}
