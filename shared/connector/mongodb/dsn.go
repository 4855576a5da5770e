package mongodb

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/tarnhq/tarn/shared/fault"
)

// The schemes of a connection string: one names hosts, the other a name under which DNS
// lists them.
const (
	scheme    = "mongodb://"
	schemeSRV = "mongodb+srv://"
)

const (
	maxHosts    = 50
	maxDatabase = 63 // bytes, as MongoDB has it
	defaultPort = "27017"
)

// target is what a connection string says.
type target struct {
	list       string   // the name that lists the hosts; empty: hosts has them
	hosts      []string // with their ports
	database   string
	user       string
	password   string
	source     string // the database that knows the user
	mechanism  string // empty: the best that both sides know
	replicaSet string
	secure     bool // TLS
	insecure   bool // … with any certificate
	direct     bool // with the one host, whatever others it tells of
	prefer     readpref.Mode
}

func badDSN() *fault.Error {
	return fault.New(fault.Invalid, "bad_dsn", "the dsn is no connection string of a MongoDB database").
		WithHint("mongodb://user:password@host:27017/database or mongodb+srv://user:password@name.example.com/database, with what is special in user and password percent-encoded")
}

func badOption() *fault.Error {
	return fault.New(fault.Invalid, "bad_dsn", "the dsn has an option that is not taken, or one twice, or with a value that it cannot have").
		WithHint("use authSource, authMechanism (SCRAM-SHA-256 or SCRAM-SHA-1), replicaSet, tls, tlsInsecure, directConnection and readPreference; appName, retryWrites and w are ignored")
}

// parse reads a connection string. The driver's own parser is not asked: it takes options
// that name files, programs and proxies of this machine, and asks DNS.
func parse(dsn string) (target, error) {
	var t target
	if strings.ContainsFunc(dsn, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return target{}, badDSN()
	}
	rest, srv := strings.CutPrefix(dsn, schemeSRV)
	if !srv {
		var ok bool
		if rest, ok = strings.CutPrefix(dsn, scheme); !ok {
			return target{}, badDSN()
		}
	}
	authority, rest, ok := strings.Cut(rest, "/")
	path, query, _ := strings.Cut(rest, "?")
	if !ok || !t.parseDatabase(path) || !t.parseAuthority(authority, srv) {
		return target{}, badDSN()
	}
	t.secure, t.source, t.prefer = srv, t.database, readpref.PrimaryMode
	if !t.parseOptions(query) {
		return target{}, badOption()
	}
	if t.direct && (srv || len(t.hosts) != 1) {
		return target{}, badOption()
	}
	return t, nil
}

func (t *target) parseDatabase(text string) bool {
	name, err := url.PathUnescape(text)
	t.database = name
	return err == nil && isDatabase(name)
}

func isDatabase(name string) bool {
	return name != "" && len(name) <= maxDatabase && !strings.ContainsAny(name, "/\\. \"$\x00")
}

// parseAuthority reads who asks, and whom.
func (t *target) parseAuthority(text string, srv bool) bool {
	hosts := text
	if user, after, ok := strings.Cut(text, "@"); ok {
		hosts = after
		name, password, _ := strings.Cut(user, ":")
		var errs [2]error
		t.user, errs[0] = url.PathUnescape(name)
		t.password, errs[1] = url.PathUnescape(password)
		if errs != [2]error{} || t.user == "" || t.password == "" || strings.ContainsAny(password, ":") {
			return false
		}
	}
	if srv {
		t.list = strings.ToLower(hosts)
		return isName(t.list) && strings.Count(t.list, ".") >= 2 // whose domain is its hosts'
	}
	all := strings.Split(hosts, ",")
	for _, text := range all {
		host, ok := parseHost(text)
		if !ok {
			return false
		}
		t.hosts = append(t.hosts, host)
	}
	return len(all) <= maxHosts
}

// parseHost reads a name or an address with or without a port.
func parseHost(text string) (string, bool) {
	host, port := text, defaultPort
	if at := strings.LastIndexByte(text, ':'); at >= 0 && !strings.HasSuffix(text, "]") {
		host, port = text[:at], text[at+1:]
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", false
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		return net.JoinHostPort(inner, port), ok && strings.Contains(inner, ":") && net.ParseIP(inner) != nil
	}
	return strings.ToLower(host) + ":" + port, isName(host)
}

// isName reports whether a text can be the name or the IPv4 address of a host. A path of a
// socket is neither.
func isName(text string) bool {
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") {
			return false
		}
	}
	return len(text) <= 253 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}

// parseOptions reads the options, whose names are in any case.
func (t *target) parseOptions(query string) bool {
	seen := map[string]bool{}
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, text, _ := strings.Cut(part, "=")
		value, err := url.PathUnescape(text)
		if name = strings.ToLower(name); name == "ssl" {
			name = "tls"
		}
		if err != nil || seen[name] || !t.parseOption(name, value) {
			return false
		}
		seen[name] = true
	}
	return true
}

func (t *target) parseOption(name, value string) bool {
	switch name {
	case "authsource":
		t.source = value
		return isDatabase(value)
	case "authmechanism": // others read keys of this machine, or tell the password
		t.mechanism = value
		return value == "SCRAM-SHA-256" || value == "SCRAM-SHA-1"
	case "replicaset":
		t.replicaSet = value
		return value != ""
	case "tls":
		return flag(&t.secure, value)
	case "tlsinsecure":
		return flag(&t.insecure, value)
	case "directconnection":
		return flag(&t.direct, value)
	case "readpreference":
		mode, err := readpref.ModeFromString(value)
		t.prefer = mode
		return err == nil
	}
	return name == "appname" || name == "retrywrites" || name == "w" // of who writes
}

func flag(to *bool, value string) bool {
	*to = value == "true"
	return value == "true" || value == "false"
}
