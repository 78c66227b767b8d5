//go:build invariants

package invariants

// Enabled tells that expensive checks run in this build.
const Enabled = true
