// Package authorizer tells the gateway who sends a request, and nothing else: what
// the sender may do is decided by the function behind it, each time, because the
// gateway remembers an answer for a while.
package authorizer

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
)

// Handler is the function that the gateway invokes with the Authorization header
// as identity source. An error makes the gateway answer 500 and ask again next
// time.
func Handler(who *access.Authenticator) func(context.Context, events.APIGatewayV2CustomAuthorizerV2Request) (events.APIGatewayV2CustomAuthorizerSimpleResponse, error) {
	return func(ctx context.Context, r events.APIGatewayV2CustomAuthorizerV2Request) (events.APIGatewayV2CustomAuthorizerSimpleResponse, error) {
		caller, err := identify(ctx, who, r)
		switch {
		case fault.Is(err, fault.Unauthenticated):
			// The gateway could only say 403. Nobody may do nothing: the function
			// answers 401 and says what to do about it.
			return allow(access.Principal{}), nil
		case fault.Is(err, fault.Denied):
			return events.APIGatewayV2CustomAuthorizerSimpleResponse{}, nil
		case err != nil:
			return events.APIGatewayV2CustomAuthorizerSimpleResponse{}, err
		}
		return allow(caller), nil
	}
}

// identify looks at what the gateway takes for the request's identity, which is
// also what it remembers the answer by, and not at other headers.
func identify(ctx context.Context, who *access.Authenticator, r events.APIGatewayV2CustomAuthorizerV2Request) (access.Principal, error) {
	if len(r.IdentitySource) != 1 {
		return access.Principal{}, nil
	}
	return who.IdentifyHeader(ctx, r.IdentitySource[0])
}

func allow(caller access.Principal) events.APIGatewayV2CustomAuthorizerSimpleResponse {
	return events.APIGatewayV2CustomAuthorizerSimpleResponse{IsAuthorized: true, Context: caller.Context()}
}
