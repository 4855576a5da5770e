package api

import (
	"context"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/quota"
	"github.com/tarnhq/tarn/shared/route"
)

// count takes a request from the caller's quotas. Who sets the limits is never locked
// out by them.
func (s *Server) count(ctx context.Context, rt route.Route, caller access.Principal) error {
	if rt.Action == access.ManageLimits {
		return nil
	}
	return s.Use(ctx, caller, quota.Use{quota.Requests: 1})
}

// Use takes from the caller's quotas what a request is about to use, or refuses it. The
// answer's headers say what is left.
func (s *Server) Use(ctx context.Context, caller access.Principal, use quota.Use) error {
	if s.meter == nil {
		return nil
	}
	standing, err := s.meter.Take(ctx, caller.Tenant, caller.ID, use)
	if l, ok := ctx.Value(lineKey{}).(*line); ok && l.header != nil {
		standing.Headers(l.header)
	}
	return err
}
