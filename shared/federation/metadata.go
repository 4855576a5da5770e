package federation

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/crewjam/saml"
	xrv "github.com/mattermost/xml-roundtrip-validator"
)

// read returns what the provider says of itself: where to send people, and the
// certificates that it signs with.
func (i *identityProvider) read(ctx context.Context) (*saml.EntityDescriptor, error) {
	if i.provider.inline() {
		return readMetadata([]byte(i.provider.Metadata))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, i.provider.Metadata, nil)
	if err != nil {
		return nil, err
	}
	answer, err := i.with.Client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", i.provider.Metadata, answer.Status)
	}
	text, err := io.ReadAll(answer.Body) // bounded by the client
	if err != nil {
		return nil, err
	}
	return readMetadata(text)
}

func readMetadata(text []byte) (*saml.EntityDescriptor, error) {
	if err := xrv.Validate(bytes.NewReader(text)); err != nil {
		return nil, err
	}
	found := &saml.EntityDescriptor{}
	if err := xml.Unmarshal(text, found); err != nil {
		return nil, err
	}
	if found.EntityID == "" || len(found.IDPSSODescriptors) == 0 {
		return nil, errors.New("the metadata is not that of an identity provider")
	}
	return found, nil
}

// Metadata is what an identity provider is to know of us, for a provider whose answers
// arrive below home.
func Metadata(home string) ([]byte, error) {
	sp, err := newServiceProvider(home)
	if err != nil {
		return nil, err
	}
	m := sp.Metadata()
	role := &m.SPSSODescriptors[0]
	role.SingleLogoutServices, role.ArtifactResolutionServices = nil, nil
	role.AssertionConsumerServices = role.AssertionConsumerServices[:1] // by POST
	return xml.MarshalIndent(m, "", "  ")
}

// metadataLife is long because many providers read metadata once, by hand.
const metadataLife = 10 * 365 * 24 * time.Hour

// newServiceProvider is our side. It has no key: requests are not signed, and answers not
// encrypted.
func newServiceProvider(home string) (*saml.ServiceProvider, error) {
	at, err := url.Parse(home)
	if err != nil {
		return nil, err
	}
	return &saml.ServiceProvider{MetadataURL: *at.JoinPath("metadata"), AcsURL: *at.JoinPath("acs"),
		AuthnNameIDFormat: saml.UnspecifiedNameIDFormat, MetadataValidDuration: metadataLife}, nil
}
