// Package notary copies what is new of the audit logs of all tenants to where nobody can
// change it, whenever the clock says so, and fails if a log is not what it was
// (docs/audit.md).
package notary

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/shared/audit"
)

// spare is how long before its end a run begins nothing new.
const spare = 10 * time.Second

// Run copies until everything is copied or ctx is about to end.
func Run(ctx context.Context, copier audit.Copier, now func() time.Time) (audit.Copied, error) {
	deadline, ok := ctx.Deadline()
	return copier.Run(ctx, func() bool { return ok && deadline.Sub(now()) < spare })
}
