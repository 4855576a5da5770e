package files_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/connectortest"
	"github.com/tarnhq/tarn/shared/connector/files"
	"github.com/tarnhq/tarn/shared/secret"
)

// google answers as Google does: from the link of a shared sheet it redirects to where the
// CSV is, from that of another to a page to sign in.
type google struct{ csv string }

func (g *google) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page := func(status int, text string) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
	switch where := r.Host + r.URL.Path; {
	case where == "docs.google.com/spreadsheets/d/shared-1/export" && r.URL.Query().Get("format") == "csv" && r.URL.Query().Get("gid") == "7":
		http.Redirect(w, r, "https://doc-0k-7o-sheets.googleusercontent.com/export/abc/def?format=csv&gid=7", http.StatusTemporaryRedirect)
	case where == "docs.google.com/spreadsheets/d/e/published-1/pub" && r.URL.Query().Get("output") == "csv":
		http.Redirect(w, r, "https://doc-0k-7o-sheets.googleusercontent.com/export/abc/def", http.StatusTemporaryRedirect)
	case where == "doc-0k-7o-sheets.googleusercontent.com/export/abc/def":
		w.Header().Set("Content-Type", "text/csv")
		w.Header().Set("Content-Disposition", `attachment; filename="Orders.csv"`)
		_, _ = io.WriteString(w, g.csv)
	case where == "docs.google.com/spreadsheets/d/private-1/export":
		http.Redirect(w, r, "https://accounts.google.com/v3/signin/identifier?continue=x", http.StatusFound)
	case where == "docs.google.com/spreadsheets/d/private-2/export":
		page(http.StatusUnauthorized, "<html>Sorry, unable to open the file at this time.</html>")
	case strings.HasPrefix(where, "accounts.google.com/"):
		page(http.StatusOK, "<html>Sign in</html>")
	default:
		page(http.StatusNotFound, "<html>Sorry, the file you have requested does not exist.</html>")
	}
}

// calling is a driver whose every address is the server's.
func calling(t *testing.T, h http.Handler) files.Driver {
	t.Helper()
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	return files.Driver{Client: &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // its certificate names no host of Google's
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}}}
}

func sheetSpec(link string, t connector.Table) connector.Spec {
	return connector.Spec{Name: "crm", Kind: files.Kind, DSN: secret.New([]byte(link)), Tables: []connector.Table{t}}
}

func TestASheetIsReadByAnyOfItsLinks(t *testing.T) {
	for _, link := range []string{
		"https://docs.google.com/spreadsheets/d/shared-1/edit#gid=7",
		"https://docs.google.com/spreadsheets/d/shared-1/edit?gid=7#gid=7",
		"https://docs.google.com/spreadsheets/d/shared-1/export?format=xlsx&gid=7",
		"https://docs.google.com/spreadsheets/d/e/published-1/pubhtml",
	} {
		w := connectortest.NewWorld(connector.Drivers{files.Kind: calling(t, &google{csv: "id,name\n1,a\n2,b\n"})})
		w.Sync(t, w.Create(t, sheetSpec(link, connector.Table{Table: "*", Dataset: "orders"})), false)
		if got := w.Has(t, "orders"); len(got) != 2 || got[0] != `{"id":1,"name":"a"}` {
			t.Errorf("%s has %v", link, got)
		}
	}
}

func TestASheetIsReadAgainOnceItHasChanged(t *testing.T) {
	g := &google{csv: "id,name\n1,a\n2,b\n"}
	w := connectortest.NewWorld(connector.Drivers{files.Kind: calling(t, g)})
	c := w.Create(t, sheetSpec("https://docs.google.com/spreadsheets/d/shared-1/edit#gid=7", connector.Table{Table: "7.csv", Dataset: "orders", Cursor: files.Cursor, Key: []string{"id"}}))
	w.Sync(t, c, false)
	before := w.State(t, "orders").Version
	w.Sync(t, c, false)
	if after := w.State(t, "orders").Version; after != before {
		t.Errorf("a sync of what has not changed makes version %v of %v", after, before)
	}
	g.csv = "id,name\n2,c\n3,d\n"
	w.Sync(t, c, false)
	if got := strings.Join(w.Has(t, "orders"), " "); got != `{"id":1,"name":"a"} {"id":2,"name":"c"} {"id":3,"name":"d"}` {
		t.Errorf("the rows are %s", got)
	}
}

func TestASheetThatIsNotSharedSaysHowToShareIt(t *testing.T) {
	for link, code := range map[string]string{
		"https://docs.google.com/spreadsheets/d/private-1/edit#gid=0": "source_refused",
		"https://docs.google.com/spreadsheets/d/private-2/edit#gid=0": "source_refused",
		"https://docs.google.com/spreadsheets/d/nothing/edit#gid=0":   "unknown_table",
	} {
		w := connectortest.NewWorld(connector.Drivers{files.Kind: calling(t, &google{})})
		j := w.Try(t, w.Create(t, sheetSpec(link, connector.Table{Table: "*", Dataset: "orders"})), false)
		connectortest.Wants(t, j, code)
		if code == "source_refused" && (j.Error == nil || !strings.Contains(j.Error.Hint, "anyone who has the link")) {
			t.Errorf("%s: %+v", link, j.Error)
		}
	}
}
