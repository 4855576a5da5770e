package mongodb_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/mongodb"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
)

// taken are connection strings, and whom they ask.
var taken = map[string][]string{
	"mongodb://192.0.2.1/shop":                                                         {"192.0.2.1:27017"},
	"mongodb://u:hush@192.0.2.1:27018/shop":                                            {"192.0.2.1:27018"},
	"mongodb://u:hush@192.0.2.1:1,192.0.2.2,[2001:db8::1]:3,[2001:db8::2]/shop":        {"192.0.2.1:1", "192.0.2.2:27017", "[2001:db8::1]:3", "[2001:db8::2]:27017"},
	"mongodb://u%40x:hush%3A%2F@192.0.2.1/shop?authSource=admin&ssl=false":             {"192.0.2.1:27017"},
	"mongodb://u:hush@192.0.2.1/shop?readPreference=secondaryPreferred&replicaSet=rs0": {"192.0.2.1:27017"},
	"mongodb://u:hush@192.0.2.1/shop?AUTHMECHANISM=SCRAM-SHA-1&directConnection=true":  {"192.0.2.1:27017"},
	"mongodb://u:hush@192.0.2.1/shop?tls=true&tlsInsecure=true":                        {"192.0.2.1:27017"},
	"mongodb://u:hush@192.0.2.1/shop?retryWrites=true&w=majority&appName=x":            {"192.0.2.1:27017"},
	"mongodb+srv://u:hush@cluster.example.com/shop":                                    {"a.example.com:27017", "b.example.com:27018"},
}

var refused = []string{
	"", "mongodb://", "mongodb:///shop", "mongodb://192.0.2.1", "mongodb://192.0.2.1/", "postgres://u:hush@192.0.2.1/shop", "MONGODB://192.0.2.1/shop",
	"mongodb://u:hush@192.0.2.1/a.b", "mongodb://u:hush@192.0.2.1/a%00", "mongodb://u:hush@192.0.2.1/a b", "mongodb://u:hush@192.0.2.1/shop/things",
	"mongodb://u@192.0.2.1/shop", "mongodb://:hush@192.0.2.1/shop", "mongodb://u:hu:sh@192.0.2.1/shop", "mongodb://u:hu@sh@192.0.2.1/shop", "mongodb://u:hu%sh@192.0.2.1/shop",
	"mongodb://u:hush@%2Ftmp%2Fmongodb.sock/shop", "mongodb://u:hush@/tmp/mongodb.sock/shop", "mongodb://u:hush@192.0.2.1:0/shop", "mongodb://u:hush@192.0.2.1:70000/shop",
	"mongodb://u:hush@192.0.2.1,/shop", "mongodb://u:hush@[192.0.2.1]/shop", "mongodb://u:hush@2001:db8::1/shop", "mongodb://u:hush@a b/shop", "mongodb://u:hush@-a/shop",
	"mongodb://u:hush@192.0.2.1/shop?tlsCAFile=/etc/passwd", "mongodb://u:hush@192.0.2.1/shop?tlsCertificateKeyFile=/etc/hush", "mongodb://u:hush@192.0.2.1/shop?sslClientCertificateKeyFile=/etc/hush",
	"mongodb://u:hush@192.0.2.1/shop?authMechanism=MONGODB-AWS", "mongodb://u:hush@192.0.2.1/shop?authMechanism=GSSAPI", "mongodb://u:hush@192.0.2.1/shop?authMechanism=MONGODB-OIDC",
	"mongodb://u:hush@192.0.2.1/shop?authMechanism=PLAIN", "mongodb://u:hush@192.0.2.1/shop?authMechanismProperties=ENVIRONMENT:azure",
	"mongodb://u:hush@192.0.2.1/shop?proxyHost=10.0.0.1", "mongodb://u:hush@192.0.2.1/shop?srvServiceName=x", "mongodb://u:hush@192.0.2.1/shop?loadBalanced=true", "mongodb://u:hush@192.0.2.1/shop?compressors=zlib",
	"mongodb://u:hush@192.0.2.1/shop?tls=yes", "mongodb://u:hush@192.0.2.1/shop?tls=true&ssl=false", "mongodb://u:hush@192.0.2.1/shop?readPreference=some", "mongodb://u:hush@192.0.2.1/shop?authSource=",
	"mongodb://u:hush@192.0.2.1,192.0.2.2/shop?directConnection=true",
	"mongodb+srv://u:hush@cluster.example.com:27017/shop", "mongodb+srv://u:hush@a.example.com,b.example.com/shop", "mongodb+srv://u:hush@example.com/shop", "mongodb+srv://u:hush@cluster.example.com/shop?directConnection=true",
	"mongodb+srv://u:hush@far.example.com/shop", "mongodb+srv://u:hush@files.example.com/shop", "mongodb+srv://u:hush@twice.example.com/shop", "mongodb+srv://u:hush@none.example.com/shop",
}

// zone answers what is asked of DNS.
type zone struct {
	srv map[string][]string
	txt map[string][]string
}

var absent = &net.DNSError{Err: "no such host", IsNotFound: true}

func (z zone) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	var all []*net.SRV
	for i, target := range z.srv["_"+service+"._"+proto+"."+name] {
		all = append(all, &net.SRV{Target: target, Port: uint16(27017 + i)})
	}
	if all == nil {
		return "", nil, absent
	}
	return name, all, nil
}

func (z zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	if all, ok := z.txt[name]; ok {
		return all, nil
	}
	return nil, absent
}

var example = zone{
	srv: map[string][]string{
		"_mongodb._tcp.cluster.example.com": {"a.example.com.", "B.example.com."},
		"_mongodb._tcp.far.example.com":     {"a.example.com.", "a.example.org."},
		"_mongodb._tcp.files.example.com":   {"a.example.com."},
		"_mongodb._tcp.twice.example.com":   {"a.example.com."},
	},
	txt: map[string][]string{
		"cluster.example.com": {"authSource=admin&replicaSet=rs0"},
		"files.example.com":   {"tlsCAFile=/etc/passwd"},
		"twice.example.com":   {"authSource=admin", "replicaSet=rs0"},
	},
}

// dials opens a connection string with a dial that tells where it was to go.
func dials(t *testing.T, dsn string, until int) ([]string, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	var all []string
	driver := mongodb.Driver{Resolver: example, Dial: func(_ context.Context, _, address string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		if !slices.Contains(all, address) {
			all = append(all, address)
		}
		if len(all) == until {
			cancel()
		}
		return nil, errors.New("dialed")
	}}
	_, err := driver.Open(ctx, connector.Config{DSN: secret.New([]byte(dsn))})
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(all)
	return all, err
}

// TestADSNReachesItsHostsAndNoFileOfThisMachine sets what the environment could change, too.
func TestADSNReachesItsHostsAndNoFileOfThisMachine(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "of-this-machine")
	t.Setenv("HTTPS_PROXY", "http://10.9.9.9:3128")
	for dsn, want := range taken {
		if err := (mongodb.Driver{}).Check(connector.Config{DSN: secret.New([]byte(dsn))}); err != nil {
			t.Errorf("%s: %v", dsn, err)
		}
		got, err := dials(t, dsn, len(want))
		if diff := cmp.Diff(want, got); diff != "" || err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, -want +got:\n%s", dsn, err, diff)
		}
	}
	for _, dsn := range refused {
		got, err := dials(t, dsn, 1)
		if !fault.Is(err, fault.Invalid) || len(got) > 0 || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s went to %v with %v", dsn, got, err)
		}
	}
}

func TestATableThatCannotBeReadIsRefusedBeforeItIsKept(t *testing.T) {
	for name, table := range map[string]connector.Table{
		"no_changes": {Table: "things", Dataset: "things", Mode: connector.Changes, Key: []string{"_id"}},
		"bad_cursor": {Table: "things", Dataset: "things", Cursor: "meta.at", Key: []string{"_id"}},
	} {
		var f *fault.Error
		err := mongodb.Driver{}.Check(connector.Config{DSN: secret.New([]byte("mongodb://192.0.2.1/shop")), Tables: []connector.Table{table}})
		if !errors.As(err, &f) || f.Code != name || f.Kind != fault.Invalid {
			t.Errorf("%v, want %s", err, name)
		}
	}
	for _, settings := range []string{`{"snapshots": false}`, `{"snapshot": 1}`, `[]`, `{} {}`} {
		err := mongodb.Driver{}.Check(connector.Config{DSN: secret.New([]byte("mongodb://192.0.2.1/shop")), Settings: []byte(settings)})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", settings, err)
		}
	}
}

func FuzzADSNIsTakenOrRefusedWithoutBeingToldTo(f *testing.F) {
	for dsn := range taken {
		f.Add(dsn)
	}
	for _, dsn := range refused {
		f.Add(dsn)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		err := mongodb.Driver{}.Check(connector.Config{DSN: secret.New([]byte(dsn))})
		if err == nil {
			if !strings.HasPrefix(dsn, "mongodb") || strings.ContainsAny(dsn, "\x00") || strings.Contains(strings.ToLower(dsn), "file=") {
				t.Errorf("%q is taken", dsn)
			}
			return
		}
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", dsn, err)
		}
	})
}
