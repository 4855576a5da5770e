package query

import "strings"

// nearest returns the known name that a wrong one most likely stands for, or "".
func nearest(wrong string, known []string) string {
	if len(wrong) > 64 {
		return ""
	}
	best, least := "", 1+max(2, len(wrong)/3) // a swap of neighbours counts two
	if len(wrong) < 4 {
		least = 2
	}
	for _, name := range known {
		if strings.EqualFold(name, wrong) {
			return name
		}
		if len(name) > 64 {
			continue
		}
		if d := editDistance(strings.ToLower(wrong), strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// editDistance counts the bytes to insert, delete or replace between two names.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
