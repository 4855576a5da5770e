package tail

// Ready is ready, for tests.
var Ready = ready
