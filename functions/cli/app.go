package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
	"github.com/tarnhq/tarn/functions/cli/profile"
	"github.com/tarnhq/tarn/functions/cli/signin"
)

// app is one run of the program.
type app struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) string
	now      func() time.Time

	profile     string // flags
	json, quiet bool
	timeout     time.Duration
	tries       int
}

// run does what the arguments say and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if err != nil {
		a.tell(err)
	}
	return exitCode(err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "tarn",
		Short: "Ask Tarn, load into it, watch it",
		Long: "Ask Tarn, load into it, watch it.\n\n" +
			"Which server, and as whom: a profile (tarn profile add), or the environment, which wins:\nTARN_URL, TARN_KEY, TARN_PROFILE.\n\n" + exitCodes,
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs, RunE: incomplete,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.profile, "profile", "", "the profile to use, in place of the current one")
	flags.BoolVar(&a.json, "json", false, "print the API's own documents")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print nothing but the answer")
	flags.DurationVar(&a.timeout, "timeout", time.Minute, "how long one request may take; 0: as long as it does")
	flags.IntVar(&a.tries, "tries", 5, "how often a request is tried that was turned away for now (429, 503) or got no answer")
	root.AddCommand(a.profiles(), a.signIn(), a.signOut(), a.whoami(), a.datasets(), a.send(), a.load(), a.query(), a.sql(), a.tail(),
		a.jobs(), a.keys(), a.users(), a.quarantine(), a.ledger(), a.exports(), a.schedules(), a.connectors(), a.models(), a.enrichment())
	return root
}

// command makes one that does something. What fails in it is a failure; what cobra
// refuses before is wrong usage.
func command(use, short string, args cobra.PositionalArgs, run func(ctx context.Context, args []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(c *cobra.Command, args []string) error {
		if err := run(c.Context(), args); err != nil {
			return &failure{err}
		}
		return nil
	}}
}

// group makes a command that only holds others.
func group(use, short string, all ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: incomplete}
	c.AddCommand(all...)
	return c
}

func incomplete(c *cobra.Command, _ []string) error {
	return fmt.Errorf("say what to do; see: %s --help", c.CommandPath())
}

// chosen is the profile in use with its name, which is empty where the environment names
// the server. What gets in at one server is never sent to another.
func (a *app) chosen() (string, profile.Profile, error) {
	store, err := a.store()
	if err != nil {
		return "", profile.Profile{}, err
	}
	all, err := store.Load()
	if err != nil {
		return "", profile.Profile{}, err
	}
	name := first(a.profile, a.env("TARN_PROFILE"), all.Current)
	p, known := all.Profiles[name]
	if !known && name != "" {
		return "", p, wrong("there is no profile %q; tarn profile list tells which there are", name)
	}
	if at := strings.TrimSuffix(a.env("TARN_URL"), "/"); at != "" && at != p.URL {
		name, p = "", profile.Profile{URL: at}
	}
	if key := a.env("TARN_KEY"); key != "" {
		p.Key, p.Tokens = key, nil
	}
	if p.URL == "" {
		return "", p, wrong("no server is named; make a profile:\n  tarn profile add local --data-dir ./.data\n  tarn profile add prod --url https://tarn.example")
	}
	return name, p, nil
}

func (a *app) store() (profile.Store, error) {
	if path := a.env("TARN_CONFIG"); path != "" {
		return profile.Store{Path: path}, nil
	}
	return profile.Default()
}

// client is the way to the server in use.
func (a *app) client() (*client.Client, error) {
	name, p, err := a.chosen()
	if err != nil {
		return nil, err
	}
	return a.clientOf(name, p)
}

func (a *app) clientOf(name string, p profile.Profile) (*client.Client, error) {
	web, err := httpClient(p.CA)
	if err != nil {
		return nil, err
	}
	c := &client.Client{URL: p.URL, HTTP: web, Timeout: a.timeout, Tries: max(a.tries, 1), Sleep: client.Sleep}
	c.Credential = a.credential(c, name, p)
	return c, nil
}

// httpClient trusts the system's certificates and one more. It follows no redirect: a
// credential goes nowhere else.
func httpClient(ca string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if ca != "" {
		text, err := os.ReadFile(ca) // #nosec G304 -- the file that the person's profile names
		if err != nil {
			return nil, err
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s holds no certificate", ca)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

// credential returns what gets in: the key, or the access token, which it refreshes when
// it is about to expire.
func (a *app) credential(c *client.Client, name string, p profile.Profile) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		if p.Key != "" || p.Tokens == nil {
			return p.Key, nil
		}
		if a.fresh(p.Tokens) {
			return p.Tokens.Access, nil
		}
		store, err := a.store()
		if err != nil {
			return "", err
		}
		err = store.Change(func(all *profile.Config) error {
			now := all.Profiles[name]
			if now.Tokens == nil {
				return signin.ErrEnded
			}
			if !a.fresh(now.Tokens) { // nobody else refreshed it meanwhile
				provider, err := a.provider(ctx, &client.Client{URL: c.URL, HTTP: c.HTTP, Timeout: c.Timeout, Tries: c.Tries, Sleep: c.Sleep})
				if err != nil {
					return err
				}
				tokens, err := signin.Refresh(ctx, c.HTTP, provider, now.Tokens.Refresh)
				if err != nil {
					return err
				}
				now.Tokens = &tokens
				all.Profiles[name] = now
			}
			p = now
			return nil
		})
		if err != nil {
			return "", err
		}
		return p.Tokens.Access, nil
	}
}

func (a *app) fresh(t *profile.Tokens) bool { return a.now().Add(30 * time.Second).Before(t.Expires) }

func (a *app) provider(ctx context.Context, c *client.Client) (p signin.Provider, err error) {
	got, err := c.Do(ctx, client.Request{Method: http.MethodGet, Path: "/v1/sign-in"})
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(got.Body, &p)
}

// do sends one request to the server in use.
func (a *app) do(ctx context.Context, r client.Request) (client.Answer, error) {
	c, err := a.client()
	if err != nil {
		return client.Answer{}, err
	}
	got, err := c.Do(ctx, r)
	if errors.Is(err, context.Canceled) {
		return got, context.Canceled
	}
	return got, err
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
