// Package collector has dropped files loaded. An event that tells of one is a hint to look
// at the folder, as is the clock.
package collector

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/shared/drop"
)

// reserve of a deadline is kept for a look that is under way.
const reserve = 90 * time.Second

// Until collects again and again until nothing is left, for what waits for others has no
// event of its own, or until too little time is. The clock sees to what is left then. It
// returns how many drops were settled.
func Until(ctx context.Context, c drop.Collector, wait func(context.Context) error) (settled int, err error) {
	for {
		some, left, err := c.Collect(ctx)
		settled += some
		if err != nil || left == 0 || late(ctx) {
			return settled, err
		}
		if err := wait(ctx); err != nil {
			return settled, err
		}
	}
}

func late(ctx context.Context) bool {
	deadline, has := ctx.Deadline()
	return has && time.Until(deadline) < reserve
}
