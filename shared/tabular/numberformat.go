package tabular

import "strings"

// cellFormat is what a number format makes of a number.
type cellFormat uint8

const (
	plainFormat cellFormat = iota
	dateFormat
	clockFormat // of a time without a date
)

// builtinFormat is that of the numbers that have no code in a workbook. Source: ECMA-376
// part 1, 18.8.30.
func builtinFormat(id int) cellFormat {
	switch {
	case id >= 14 && id <= 17, id == 22, id >= 27 && id <= 31, id == 36, id >= 50 && id <= 54, id == 57, id == 58:
		return dateFormat
	case id >= 18 && id <= 21, id >= 32 && id <= 35, id == 45, id == 47, id == 55, id == 56:
		return clockFormat
	}
	return plainFormat
}

// formatOf is that of a code. One of spans, [h]:mm, leaves a number a number.
func formatOf(code string) cellFormat {
	letters := formatLetters(code)
	has := func(any string) bool { return strings.ContainsAny(letters, any) }
	switch {
	case letters == "general" || strings.Contains(letters, "["):
		return plainFormat
	case has("yd"), has("m") && !has("hs"):
		return dateFormat
	case has("hs"):
		return clockFormat
	}
	return plainFormat
}

// formatLetters returns the letters of a code's first section that format: neither what is
// quoted nor colours and conditions. A '[' stands for a span.
func formatLetters(code string) string {
	var letters strings.Builder
	for i := 0; i < len(code); i++ {
		switch c := code[i] | 0x20; {
		case code[i] == ';':
			return letters.String()
		case code[i] == '"':
			i += 1 + strings.IndexByte(code[i+1:]+`"`, '"')
		case code[i] == '\\' || code[i] == '_' || code[i] == '*':
			i++
		case code[i] == '[':
			end := strings.IndexByte(code[i:]+"]", ']')
			if inner := strings.ToLower(code[i+1 : min(i+end, len(code))]); strings.Trim(inner, "h") == "" || strings.Trim(inner, "m") == "" || strings.Trim(inner, "s") == "" {
				letters.WriteByte('[')
			}
			i += end
		case c >= 'a' && c <= 'z':
			letters.WriteByte(c)
		}
	}
	return letters.String()
}
