package httpjson

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
)

// settings are those of a connector. They are shown, and no secret.
type settings struct {
	Auth    *auth             `json:"auth"`
	Headers map[string]string `json:"headers"`
	listing
	Tables map[string]listing `json:"tables"` // what is otherwise for one
}

// listing is how a table's rows are listed.
type listing struct {
	Items      *string     `json:"items"` // where in an answer the rows are; nil: the one array there is
	Pagination *pagination `json:"pagination"`
	Since      *since      `json:"since"`
}

func bad(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "bad_settings", format, args...)
}

func parseSettings(text json.RawMessage) (settings, error) {
	var s settings
	if len(text) == 0 {
		return s, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(&s)
	if err == nil {
		if _, err = d.Token(); err == io.EOF {
			return s, s.check()
		}
	}
	return s, bad("the settings cannot be read").Because(err).
		WithHint("an object of auth, headers, items, pagination, since, and tables: an object of the last three by table")
}

func (s settings) check() error {
	for name, value := range s.Headers {
		if err := checkHeader(name, value); err != nil {
			return err
		}
	}
	if err := s.listing.check(); err != nil {
		return err
	}
	for _, l := range s.Tables {
		if err := l.check(); err != nil {
			return err
		}
	}
	return nil
}

func (l listing) check() error {
	var items error
	if l.Items != nil {
		_, items = parsePath(*l.Items)
	}
	return cmp.Or(items, l.Pagination.check(), l.Since.check())
}

// checkTables returns an error if something is said of a table that the connector has not.
func (s settings) checkTables(all []connector.Table) error {
	if len(all) == 0 { // there is no connector yet
		return nil
	}
	for name := range s.Tables {
		if !slices.ContainsFunc(all, func(t connector.Table) bool { return t.Table == name }) {
			return bad("the settings are of a table %.80q, which the connector has not", name).WithHint("write it as in the connector's tables")
		}
	}
	return nil
}

// of returns how a table is listed.
func (s settings) of(table string) listing {
	own := s.Tables[table]
	return listing{Items: cmp.Or(own.Items, s.Items), Pagination: cmp.Or(own.Pagination, s.Pagination), Since: cmp.Or(own.Since, s.Since)}
}

// ours are headers that the connection or the credential decides.
var ours = []string{"Accept-Encoding", "Authorization", "Connection", "Content-Length", "Cookie", "Host", "Keep-Alive", "Proxy-Authorization", "Range", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

func checkHeader(name, value string) error {
	if slices.Contains(ours, http.CanonicalHeaderKey(name)) {
		return bad("the header %.80q cannot be set", name).WithHint("a credential is part of the dsn, and auth says how it is sent")
	}
	if !isToken(name) || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return bad("%.80q cannot be a header of HTTP", name)
	}
	return nil
}

// isToken reports whether a text can name a header (RFC 9110, 5.6.2).
func isToken(s string) bool {
	for _, c := range []byte(s) {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// pagination is how an API parts a list into pages. What it is not told of is nil: links
// in the header if there are some, else one page.
type pagination struct {
	Kind      string `json:"kind"`
	Param     string `json:"param"` // that names the page, the offset or the cursor
	SizeParam string `json:"size_param"`
	Size      int    `json:"size"`
	First     *int   `json:"first"` // number of the first page; nil: 1
	Ends      string `json:"ends"`  // by which page or offset ends
	Next      string `json:"next"`  // where in an answer the next cursor or URL is
	Last      string `json:"last"`  // the member of the last item that is the next cursor
	More      string `json:"more"`  // where in an answer false says that this page is the last
}

// The kinds of pagination.
const (
	none     = "none"
	byLink   = "link"
	byURL    = "next_url"
	byPage   = "page"
	byOffset = "offset"
	byCursor = "cursor"
)

// The ends of lists that are paged by number or offset. All end with an empty page.
const (
	atEmpty   = "empty"
	atShort   = "short"     // with fewer items than the size, too
	atMissing = "not_found" // with 404, too
)

func (p *pagination) kind() string {
	if p == nil {
		return ""
	}
	return p.Kind
}

func (p *pagination) check() error {
	if p == nil {
		return nil
	}
	counts := p.Kind == byPage || p.Kind == byOffset
	tokens := p.Kind == byCursor
	switch {
	case !slices.Contains([]string{none, byLink, byURL, byPage, byOffset, byCursor}, p.Kind):
		return bad("%.40q is no kind of pagination", p.Kind).WithHint("use none, link, next_url, page, offset or cursor")
	case (p.Param != "") != (counts || tokens):
		return bad("pagination by page, offset or cursor needs a param, and no other has one").WithHint(`{"kind": "page", "param": "page", "size_param": "per_page", "size": 100}`)
	case p.First != nil && (p.Kind != byPage || *p.First < 0):
		return bad("the first page has a number of 0 or more, of pagination by page alone")
	case p.Ends != "" && (!counts || !slices.Contains([]string{atEmpty, atShort, atMissing}, p.Ends)):
		return bad("pagination by page or offset ends with empty, short or not_found, and no other does")
	case p.Ends == atShort && p.Size == 0:
		return bad("what ends with a short page needs a size")
	case p.Size < 0 || p.Size > 1_000_000 || (p.SizeParam != "") != (p.Size > 0) && p.Ends != atShort:
		return bad("size_param and a size of 1 to 1000000 go together")
	case p.Kind == byURL && p.Next == "" || !tokens && p.Kind != byURL && p.Next != "":
		return bad("next says where the URL of pagination by next_url or the cursor is, and is of these alone").WithHint(`{"kind": "next_url", "next": "paging.next"}`)
	case tokens && (p.Next == "") == (p.Last == ""):
		return bad("pagination by cursor needs next, or last: the member of the last item that is the cursor").WithHint(`{"kind": "cursor", "param": "cursor", "next": "meta.next_cursor"}`)
	case !tokens && p.Last != "" || !tokens && p.Kind != byURL && p.More != "":
		return bad("last is of pagination by cursor, more of that and of next_url")
	}
	_, next := parsePath(p.Next)
	_, more := parsePath(p.More)
	return cmp.Or(next, more)
}

// since is how an API is asked for what has changed.
type since struct {
	Param  string `json:"param"`
	Format string `json:"format"` // of the parameter, and of cursors that are numbers
}

func (s *since) check() error {
	if s == nil {
		return nil
	}
	if s.Param == "" && s.Format != "" || !slices.Contains([]string{"", inRFC3339, inDate, inUnix, inUnixMilli, inNumber}, s.Format) {
		return bad("since needs a param, and a format that is rfc3339, date, unix, unix_ms, number or absent").
			WithHint(`{"param": "updated_since", "format": "rfc3339"}`)
	}
	return nil
}
