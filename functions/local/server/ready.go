package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
)

// Ready is what DATA_DIR/ready.json says once the server serves: where it is and
// how to get in.
type Ready struct {
	URL    string `json:"url"`
	APIKey string `json:"api_key"`
	Owner  Owner  `json:"owner"`
	CA     string `json:"ca,omitempty"` // file of the certificate to trust
}

// Owner is the account of whoever started the server.
type Owner struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

const ownerEmail = "owner@localhost.localdomain"

// Ready makes the owner and a key at the first start, and returns those of the
// first start later. It writes the file that says so.
func (s *Server) Ready(ctx context.Context) (Ready, error) {
	path := filepath.Join(s.options.Dir, "ready.json")
	was, err := readReady(path)
	if err != nil {
		return Ready{}, err
	}
	now := Ready{URL: s.options.URL, CA: s.options.CA, APIKey: was.APIKey, Owner: was.Owner}
	if now.Owner, err = s.owner(ctx, was.Owner); err != nil {
		return Ready{}, fmt.Errorf("owner: %w", err)
	}
	if now.APIKey, err = s.key(ctx, was.APIKey); err != nil {
		return Ready{}, fmt.Errorf("key: %w", err)
	}
	return now, writeReady(path, now)
}

func readReady(path string) (r Ready, err error) {
	text, err := os.ReadFile(path) // #nosec G304 -- a file of the data folder
	if errors.Is(err, fs.ErrNotExist) {
		return Ready{}, nil
	}
	if err != nil {
		return Ready{}, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return Ready{}, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// writeReady replaces the file at once: who waits for it never reads half of it.
func writeReady(path string, r Ready) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// owner returns the account, which it makes, or makes anew when its password is
// known to nobody any more.
func (s *Server) owner(ctx context.Context, was Owner) (Owner, error) {
	found, err := s.provider.Find(ctx, ownerEmail)
	switch {
	case err == nil && was.Password != "":
		return was, nil
	case err == nil:
		if err := s.provider.Delete(ctx, found.ID); err != nil {
			return Owner{}, err
		}
	case !fault.Is(err, fault.NotFound):
		return Owner{}, err
	}
	fresh := Owner{Email: ownerEmail, Password: strings.ToLower(rand.Text()[:16]) + "-Aa1"}
	_, err = s.provider.Create(ctx, fresh.Email, fresh.Password, []string{string(access.Owner)})
	return fresh, err
}

// key returns an API key that may do everything.
func (s *Server) key(ctx context.Context, was string) (string, error) {
	if was != "" {
		_, err := s.keys.Identify(ctx, was)
		if err == nil || !fault.Is(err, fault.Unauthenticated) {
			return was, err
		}
	}
	_, secret, err := s.keys.Create(ctx, Tenant, access.KeySpec{Name: "owner", Role: access.Owner})
	return secret, err
}
