package main

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/profile"
)

func (a *app) profiles() *cobra.Command {
	return group("profile", "Name the servers that you work with",
		a.addProfile(), a.listProfiles(), a.useProfile(), a.removeProfile())
}

func (a *app) addProfile() *cobra.Command {
	var p profile.Profile
	var dir, keyFile string
	c := command("add NAME", "Name a server; the first one is used from then on", cobra.ExactArgs(1), func(_ context.Context, args []string) error {
		made, err := a.described(p, dir, keyFile)
		if err != nil {
			return err
		}
		return a.changeProfiles(func(all *profile.Config) error {
			all.Profiles[args[0]] = made
			if all.Current == "" {
				all.Current = args[0]
			}
			a.note("profile %s: %s%s", args[0], made.URL, in(all.Current == args[0], ", in use", ""))
			return nil
		})
	})
	c.Flags().StringVar(&p.URL, "url", "", "where the server is: https://tarn.example")
	c.Flags().StringVar(&keyFile, "key-file", "", "the file of an API key, - for the standard input; without one, sign in")
	c.Flags().StringVar(&p.CA, "ca", "", "the file of a certificate to trust")
	c.Flags().StringVar(&dir, "data-dir", "", "the data folder of a server on this machine, which says all of that")
	c.MarkFlagsMutuallyExclusive("url", "data-dir")
	c.MarkFlagsOneRequired("url", "data-dir")
	return c
}

// described is the profile that flags describe. A key is no flag: all users of a machine
// see those.
func (a *app) described(p profile.Profile, dir, keyFile string) (profile.Profile, error) {
	if dir != "" {
		ready, err := profile.Ready(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return p, wrong("%s has no ready.json: no server has served from that folder yet (make run)", dir)
		}
		return ready, err
	}
	u, err := url.Parse(p.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" {
		return p, wrong("%q is no URL of a server, such as https://tarn.example", p.URL)
	}
	p.URL = strings.TrimSuffix(p.URL, "/")
	if p.CA != "" {
		if p.CA, err = filepath.Abs(p.CA); err != nil {
			return p, err
		}
	}
	if keyFile == "" {
		return p, nil
	}
	text, err := a.input(keyFile)
	if p.Key = strings.TrimSpace(string(text)); err == nil && p.Key == "" {
		err = wrong("%s is empty", keyFile)
	}
	return p, err
}

func (a *app) changeProfiles(change func(*profile.Config) error) error {
	store, err := a.store()
	if err != nil {
		return err
	}
	return store.Change(change)
}

// listedProfile tells of a profile without what gets in.
type listedProfile struct {
	Name    string `json:"name"`
	URL     string `json:"url"`
	Current bool   `json:"current"`
	Access  string `json:"access"`
}

func (a *app) listProfiles() *cobra.Command {
	return command("list", "List the servers that have a name", cobra.NoArgs, func(context.Context, []string) error {
		store, err := a.store()
		if err != nil {
			return err
		}
		all, err := store.Load()
		if err != nil {
			return err
		}
		list := []listedProfile{}
		rows := [][]string{}
		for _, name := range slices.Sorted(maps.Keys(all.Profiles)) {
			p := all.Profiles[name]
			access := in(p.Key != "", "key", in(p.Tokens != nil, "signed in", "none"))
			list = append(list, listedProfile{name, p.URL, name == all.Current, access})
			rows = append(rows, []string{in(name == all.Current, "*", ""), name, p.URL, access})
		}
		if a.json {
			return a.document(body(map[string]any{"profiles": list}))
		}
		return a.table(heads("", "profile", "url", "access"), rows)
	})
}

func (a *app) useProfile() *cobra.Command {
	return command("use NAME", "Use a server from now on", cobra.ExactArgs(1), func(_ context.Context, args []string) error {
		return a.changeProfiles(func(all *profile.Config) error {
			if _, known := all.Profiles[args[0]]; !known {
				return wrong("there is no profile %q", args[0])
			}
			all.Current = args[0]
			return nil
		})
	})
}

func (a *app) removeProfile() *cobra.Command {
	return command("remove NAME", "Forget a server, and what gets you in there", cobra.ExactArgs(1), func(_ context.Context, args []string) error {
		return a.changeProfiles(func(all *profile.Config) error {
			if _, known := all.Profiles[args[0]]; !known {
				return wrong("there is no profile %q", args[0])
			}
			delete(all.Profiles, args[0])
			if all.Current == args[0] {
				all.Current = ""
			}
			return nil
		})
	})
}

func in(is bool, then, otherwise string) string {
	if is {
		return then
	}
	return otherwise
}
