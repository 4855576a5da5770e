// Package tenant knows who owns data. Every store method takes an ID, so that
// forgetting isolation does not compile.
package tenant

// ID names a workspace: 1 to 32 characters of a-z, 0-9 and '-'.
type ID string

// Valid reports whether id may stand in keys and paths.
func (id ID) Valid() bool {
	if len(id) == 0 || len(id) > 32 {
		return false
	}
	for _, c := range []byte(id) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}
