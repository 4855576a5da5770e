package sqlgate

// Allowed reports whether a function may be called somewhere.
func Allowed(name string) bool { return functions[name] || tableFunctions[name] }
