package columnfile

import (
	"encoding/json"

	"github.com/parquet-go/parquet-go/format"
)

// icebergKey names the file's Iceberg schema in its footer. Writers of Iceberg put it
// there, and some readers go by it and not by the columns' own field ids.
const icebergKey = "iceberg.schema"

// icebergTypes are the names that Iceberg has for the forms.
var icebergTypes = [...]string{
	Bool: "boolean", Int: "long", Time: "timestamp", Date: "date", Float: "double", Text: "string", Bytes: "binary", UUID: "uuid",
}

type icebergField struct {
	ID       int32  `json:"id"`
	Name     string `json:"name"`
	Required bool   `json:"required"`
	Type     string `json:"type"`
}

// icebergSchema describes the columns that have field ids; nothing if none has.
func icebergSchema(columns []Column) []format.KeyValue {
	var fields []icebergField
	for _, c := range columns {
		if c.ID != 0 {
			fields = append(fields, icebergField{c.ID, c.Name, !c.Optional, icebergTypes[c.Form]})
		}
	}
	if len(fields) == 0 {
		return nil
	}
	text, err := json.Marshal(struct {
		Type   string         `json:"type"`
		ID     int            `json:"schema-id"`
		Fields []icebergField `json:"fields"`
	}{"struct", 0, fields})
	if err != nil {
		panic(err) // plain data
	}
	return []format.KeyValue{{Key: icebergKey, Value: string(text)}}
}
