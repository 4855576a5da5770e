package mongodb

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
)

// Resolver asks DNS, as a *net.Resolver does.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// resolve returns the target with its hosts, if they are listed in DNS. A list may name
// hosts of its own domain alone, and say who knows the user and which replica set it is
// (MongoDB's initial DNS seedlist discovery). It is asked once: a source is open for as long
// as a sync.
func (t target) resolve(ctx context.Context, r Resolver) (target, error) {
	if t.list == "" {
		return t, nil
	}
	_, found, err := r.LookupSRV(ctx, "mongodb", "tcp", t.list)
	if err != nil {
		return t, unlisted(err)
	}
	_, domain, _ := strings.Cut(t.list, ".")
	for _, one := range found {
		name := strings.ToLower(strings.TrimSuffix(one.Target, "."))
		if !isName(name) || !strings.HasSuffix(name, "."+domain) || len(t.hosts) == maxHosts {
			return t, badList()
		}
		t.hosts = append(t.hosts, name+":"+strconv.Itoa(int(one.Port)))
	}
	if len(t.hosts) == 0 {
		return t, badList()
	}
	texts, err := r.LookupTXT(ctx, t.list)
	var none *net.DNSError
	if errors.As(err, &none) && none.IsNotFound {
		return t, nil
	}
	if err != nil {
		return t, unlisted(err)
	}
	return t.told(texts)
}

// told returns the target with the options that DNS has. Those of the connection string go first.
func (t target) told(texts []string) (target, error) {
	if len(texts) == 0 {
		return t, nil
	}
	if len(texts) > 1 {
		return t, badList()
	}
	var of target
	for part := range strings.SplitSeq(texts[0], "&") {
		name, value, _ := strings.Cut(part, "=")
		if name = strings.ToLower(name); name != "authsource" && name != "replicaset" || !of.parseOption(name, value) {
			return t, badList()
		}
	}
	if of.source != "" && t.source == t.database {
		t.source = of.source
	}
	if t.replicaSet == "" {
		t.replicaSet = of.replicaSet
	}
	return t, nil
}

func badList() error {
	return fault.New(fault.Invalid, "bad_dsn", "what DNS lists under the name in the dsn are no hosts of its domain, or has options that are not taken").
		WithHint("name the hosts: mongodb://user:password@host1:27017,host2:27017/database?tls=true")
}

func unlisted(err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return fault.New(fault.Invalid, "bad_dsn", "DNS lists no hosts under the name in the dsn").WithHint("check the name after mongodb+srv://")
	}
	return fault.New(fault.Unavailable, "source_unavailable", "DNS does not say which hosts the dsn names").Because(errResolve)
}
