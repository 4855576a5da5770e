package aws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/encoding/httpbinding"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/push"
)

// Push is push.Push on the management API of an API Gateway WebSocket stage. The
// API has three calls, so this signs them itself.
type Push struct {
	client      sdk.HTTPClient
	signer      *v4.Signer
	credentials sdk.CredentialsProvider
	region      string
	endpoint    string
}

// NewPush opens the stage with this management endpoint, an https URL that ends in
// the stage's name.
func NewPush(config sdk.Config, endpoint string) *Push {
	client := config.HTTPClient
	if client == nil {
		client = httpClient()
	}
	return &Push{
		client:      client,
		signer:      v4.NewSigner(),
		credentials: config.Credentials,
		region:      config.Region,
		endpoint:    strings.TrimSuffix(endpoint, "/"),
	}
}

// Send implements push.Push.
func (p *Push) Send(ctx context.Context, id push.ConnectionID, message []byte) error {
	if len(message) > push.MaxMessage {
		return fault.New(fault.TooLarge, "push_message_large", "a message holds at most %d bytes", push.MaxMessage)
	}
	return p.call(ctx, http.MethodPost, id, message)
}

// Connected implements push.Push.
func (p *Push) Connected(ctx context.Context, id push.ConnectionID) (bool, error) {
	err := p.call(ctx, http.MethodGet, id, nil)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// Disconnect implements push.Push.
func (p *Push) Disconnect(ctx context.Context, id push.ConnectionID) error {
	err := p.call(ctx, http.MethodDelete, id, nil)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

func (p *Push) call(ctx context.Context, method string, id push.ConnectionID, body []byte) error {
	address := p.endpoint + "/@connections/" + httpbinding.EscapePath(string(id), true)
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return faultOf("push", fault.Internal, err)
	}
	if err := p.sign(ctx, request, body); err != nil {
		return faultOf("push", fault.Unavailable, err)
	}
	answer, err := p.client.Do(request)
	if err != nil {
		return faultOf("push", fault.Unavailable, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
	if answer.StatusCode < 300 {
		return nil
	}
	return faultOf("push", kindOfPush(answer.StatusCode), fmt.Errorf("%s: %s, %v", answer.Status, text, err))
}

func (p *Push) sign(ctx context.Context, request *http.Request, body []byte) error {
	credentials, err := p.credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	return p.signer.SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), "execute-api", p.region, time.Now())
}

// kindOfPush takes an id that API Gateway calls malformed (400) for one that it
// never gave.
func kindOfPush(status int) fault.Kind {
	switch status {
	case http.StatusGone, http.StatusNotFound, http.StatusBadRequest:
		return fault.NotFound
	case http.StatusRequestEntityTooLarge:
		return fault.TooLarge
	default:
		return kindOfStatus(status)
	}
}
