// Package secrettest holds the promises that every secret.Store keeps. Each test works
// under tenants of its own, so that all of them can share one store with each other and
// with earlier runs.
package secrettest

import (
	"bytes"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Run tests the store that open returns. It calls open once for each test.
func Run(t *testing.T, open func(*testing.T) secret.Store) {
	for claim, test := range claims {
		t.Run(claim, func(t *testing.T) { test(t, open(t)) })
	}
}

var claims = map[string]func(*testing.T, secret.Store){
	"what was created is the current value, and there is no previous one": func(t *testing.T, s secret.Store) {
		who := owner()
		for name, text := range map[secret.Name]string{"text": "hush", "bytes": "a\x00\xff\r\n", "in/parts": " ", "long": strings.Repeat("x", secret.MaxValue)} {
			done(t, s.Create(t.Context(), who, name, of(text)))
			wants(t, s, who, name, text, "")
		}
	},
	"a taken name is a Conflict, and its value stays": func(t *testing.T, s secret.Store) {
		who := owner()
		done(t, s.Create(t.Context(), who, "k", of("first")))
		fails(t, s.Create(t.Context(), who, "k", of("second")), fault.Conflict)
		wants(t, s, who, "k", "first", "")
	},
	"of several who create a secret at once, one does": func(t *testing.T, s secret.Store) {
		who := owner()
		var won atomic.Int32
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				err := s.Create(t.Context(), who, "k", of(string(rune('a'+i))))
				switch {
				case err == nil:
					won.Add(1)
				case !fault.Is(err, fault.Conflict):
					t.Errorf("Create: %v, want nil or Conflict", err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%d won, want 1", won.Load())
		}
	},
	"a put keeps the value before as the previous one, and no older": func(t *testing.T, s secret.Store) {
		who := owner()
		before := ""
		for _, text := range []string{"one", "two", "three", "three"} {
			done(t, s.Put(t.Context(), who, "k", of(text)))
			wants(t, s, who, "k", text, before)
			before = text
		}
	},
	"a put after a create is a rotation": func(t *testing.T, s secret.Store) {
		who := owner()
		done(t, s.Create(t.Context(), who, "k", of("one")))
		done(t, s.Put(t.Context(), who, "k", of("two")))
		wants(t, s, who, "k", "two", "one")
	},
	"an absent secret is NotFound, also where others begin like it": func(t *testing.T, s secret.Store) {
		who := owner()
		done(t, s.Put(t.Context(), who, "a/b", of("v")))
		for _, name := range []secret.Name{"a", "a/b/c", "a/bb", "b"} {
			_, err := s.Get(t.Context(), who, name)
			fails(t, err, fault.NotFound)
		}
	},
	"a deleted secret is gone with its previous value, and deleting it again is fine": func(t *testing.T, s secret.Store) {
		who := owner()
		done(t, s.Put(t.Context(), who, "k", of("one")))
		done(t, s.Put(t.Context(), who, "k", of("two")))
		done(t, s.Put(t.Context(), who, "other", of("stays")))
		done(t, s.Delete(t.Context(), who, "k"))
		done(t, s.Delete(t.Context(), who, "k"))
		_, err := s.Get(t.Context(), who, "k")
		fails(t, err, fault.NotFound)
		wants(t, s, who, "other", "stays", "")
	},
	"a name that was deleted can be used again, without the value before": func(t *testing.T, s secret.Store) {
		who := owner()
		done(t, s.Put(t.Context(), who, "k", of("one")))
		done(t, s.Delete(t.Context(), who, "k"))
		again(t, func() error { return s.Put(t.Context(), who, "k", of("two")) })
		wants(t, s, who, "k", "two", "")
	},
	"tenants have nothing in common": func(t *testing.T, s secret.Store) {
		a, b := owner(), owner()
		done(t, s.Put(t.Context(), a, "k", of("of a")))
		_, err := s.Get(t.Context(), b, "k")
		fails(t, err, fault.NotFound)
		done(t, s.Put(t.Context(), b, "k", of("of b")))
		done(t, s.Delete(t.Context(), b, "k"))
		wants(t, s, a, "k", "of a", "")
		lists(t, s, a, "k")
		lists(t, s, b)
	},
	"List has the names in order, and none of a tenant whose name begins alike": func(t *testing.T, s secret.Store) {
		who := owner()
		for _, name := range []secret.Name{"b", "a/b", "a", "a-c", "a.b"} {
			done(t, s.Put(t.Context(), who, name, of("v")))
		}
		done(t, s.Put(t.Context(), who+"-2", "c", of("v")))
		lists(t, s, who, "a", "a-c", "a.b", "a/b", "b")
	},
	"the deployment has secrets, too": func(t *testing.T, s secret.Store) {
		name := secret.Name("test/" + string(owner()))
		t.Cleanup(func() { _ = s.Delete(t.Context(), secret.Deployment, name) })
		done(t, s.Put(t.Context(), secret.Deployment, name, of("v")))
		wants(t, s, secret.Deployment, name, "v", "")
		text, err := secret.Lookup(s)(t.Context(), string(name))
		if err != nil || text != "v" {
			t.Errorf("Lookup = %q, %v", text, err)
		}
	},
	"names, tenants and values that are none are Invalid": func(t *testing.T, s secret.Store) {
		who := owner()
		for _, name := range []secret.Name{"", "/", "../k", "K", "a b", secret.Name(strings.Repeat("a", secret.MaxName+1))} {
			_, err := s.Get(t.Context(), who, name)
			fails(t, err, fault.Invalid)
			fails(t, s.Put(t.Context(), who, name, of("v")), fault.Invalid)
			fails(t, s.Create(t.Context(), who, name, of("v")), fault.Invalid)
			fails(t, s.Delete(t.Context(), who, name), fault.Invalid)
		}
		for _, other := range []tenant.ID{"", "a/b", "_others", "*"} {
			_, err := s.Get(t.Context(), other, "k")
			fails(t, err, fault.Invalid)
			_, err = s.List(t.Context(), other)
			fails(t, err, fault.Invalid)
		}
		for _, value := range []secret.Value{{}, of(""), of(strings.Repeat("x", secret.MaxValue+1))} {
			fails(t, s.Put(t.Context(), who, "k", value), fault.Invalid)
			fails(t, s.Create(t.Context(), who, "k", value), fault.Invalid)
		}
	},
	"no error tells a value": func(t *testing.T, s secret.Store) {
		who, planted := owner(), "planted-"+rand.Text()
		done(t, s.Create(t.Context(), who, "k", of(planted)))
		for _, err := range []error{s.Create(t.Context(), who, "k", of(planted)), s.Put(t.Context(), who, "K", of(planted)),
			s.Put(t.Context(), who, "k", of(strings.Repeat(planted, secret.MaxValue/len(planted)+1)))} {
			if err == nil || strings.Contains(err.Error(), planted) {
				t.Errorf("%v", err)
			}
		}
	},
}

func of(text string) secret.Value { return secret.New([]byte(text)) }

// owner returns a tenant that no other test uses.
func owner() tenant.ID { return tenant.ID("t-" + strings.ToLower(rand.Text()[:16])) }

func done(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fails(t *testing.T, err error, want fault.Kind) {
	t.Helper()
	if !fault.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}

// again does something until it is not Unavailable, as callers do.
func again(t *testing.T, do func() error) {
	t.Helper()
	err := do()
	for tries := 0; fault.Is(err, fault.Unavailable) && tries < 100; tries++ {
		err = do()
	}
	done(t, err)
}

func wants(t *testing.T, s secret.Store, who tenant.ID, name secret.Name, current, previous string) {
	t.Helper()
	got, err := s.Get(t.Context(), who, name)
	if err != nil || !bytes.Equal(got.Current.Reveal(), []byte(current)) || !bytes.Equal(got.Previous.Reveal(), []byte(previous)) {
		t.Errorf("Get %s = %.40q before it %.40q, %v; want %.40q before it %.40q", name, got.Current.Reveal(), got.Previous.Reveal(), err, current, previous)
	}
}

func lists(t *testing.T, s secret.Store, who tenant.ID, want ...secret.Name) {
	t.Helper()
	got, err := s.List(t.Context(), who)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("List: %v\n%s", err, cmp.Diff(want, got))
	}
}
