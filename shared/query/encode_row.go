package query

// AppendCSVHeader appends the names of columns as WriteCSV writes them.
func AppendCSVHeader(b []byte, columns []Column) []byte {
	for i, c := range columns {
		b = appendField(separated(b, i), TextValue(c.Name))
	}
	return append(b, "\r\n"...)
}

// AppendCSV appends a row as WriteCSV writes it.
func AppendCSV(b []byte, row []Value) []byte {
	for i, v := range row {
		b = appendField(separated(b, i), v)
	}
	return append(b, "\r\n"...)
}
