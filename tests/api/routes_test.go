package api

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/route"
)

// target is a request that a route matches: of a dataset and a key that are not there.
func target(r route.Route) string {
	return regexp.MustCompile(`\{\w+\}`).ReplaceAllString(r.Path, "absent")
}

func TestEveryRowIsWhole(t *testing.T) {
	ids, patterns := map[string]bool{}, map[string]bool{}
	for _, r := range route.All {
		if ids[r.ID] || patterns[r.Pattern()] {
			t.Errorf("%s is there twice", r.ID)
		}
		ids[r.ID], patterns[r.Pattern()] = true, true
		if r.Summary == "" || r.Tag == "" || r.Status < 200 || r.Status > 299 {
			t.Errorf("%s lacks a summary, a tag or a status: %+v", r.ID, r)
		}
		if r.Action == "" && r.Function != "reference" {
			t.Errorf("%s needs no action: only the reference is open to anyone", r.ID)
		}
		if info, err := os.Stat(filepath.Join("..", "..", "functions", r.Function)); err != nil || !info.IsDir() {
			t.Errorf("%s is served by functions/%s, which is no folder", r.ID, r.Function)
		}
	}
}

func TestTheLocalServerServesEveryRoute(t *testing.T) {
	t.Parallel()
	served, ok := newWorld(t).Handler.(*api.Server)
	if !ok {
		t.Fatal("the local server is no api.Server any more: how is this asked now?")
	}
	for _, r := range route.All {
		if !served.Serves(r) {
			t.Errorf("%s has no handler", r.ID)
		}
	}
}

func TestNobodyIsRefusedEverywhereButOnOpenRoutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	revoked := revokedKey(t, w)
	for _, r := range route.All {
		for _, who := range []struct{ name, authorization string }{
			{"nobody", ""},
			{"an unknown key", "Bearer tarn_0123456789abcdef_" + strings.Repeat("0", 64)},
			{"a revoked key", "Bearer " + revoked},
			{"a token that is none", "Bearer abc.def.ghi"},
			{"Basic without a key", "Basic Og=="},
			{"Basic that is none", "Basic !"},
			{"another scheme", "Negotiate abc"},
		} {
			for _, body := range []string{"", "{}", "[]"} {
				header := http.Header{}
				if who.authorization != "" {
					header.Set("Authorization", who.authorization)
				}
				out := w.ask(r.Method, target(r), "", []byte(body), header)
				if r.Action == "" {
					if out.Code != http.StatusOK {
						t.Errorf("%s, open to anyone, answers %s with %d", r.ID, who.name, out.Code)
					}
					continue
				}
				if out.Code != http.StatusUnauthorized || out.Header().Get("WWW-Authenticate") == "" {
					t.Errorf("%s answers %s with %d %s", r.ID, who.name, out.Code, out.Body)
				}
				problemAt(t, r.Path, out)
			}
		}
	}
}

// revokedKey makes a key and takes it back before anybody has seen it.
func revokedKey(t *testing.T, w *world) string {
	t.Helper()
	key := w.newKey(t, map[string]any{"name": "lost", "role": "owner"})
	id := strings.Split(key, "_")[1]
	if out := w.ask(http.MethodDelete, "/v1/keys/"+id, w.keys[access.Owner], nil, nil); out.Code != http.StatusNoContent {
		t.Fatal(out.Code, out.Body)
	}
	return key
}

// allowed says who may use each route, apart from the rules of package access.
var allowed = map[string][]access.Role{
	"createDataset":    {access.Owner, access.Admin, access.Editor},
	"listDatasets":     {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"getDataset":       {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"updateDataset":    {access.Owner, access.Admin, access.Editor},
	"deleteDataset":    {access.Owner, access.Admin},
	"listDefinitions":  {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"getDefinition":    {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"putDefinition":    {access.Owner, access.Admin, access.Editor},
	"deleteDefinition": {access.Owner, access.Admin, access.Editor},
	"getEnrichment":    {access.Owner, access.Admin, access.Editor, access.Analyst},
	"listEnrichments":  {access.Owner, access.Admin, access.Editor, access.Analyst},
	"putEnrichment":    {access.Owner, access.Admin, access.Editor},
	"sendEvents":       {access.Owner, access.Admin, access.Editor, access.Producer},
	"getEvent":         {access.Owner, access.Admin, access.Editor, access.Analyst},
	"listQuarantine":   {access.Owner, access.Admin, access.Editor, access.Analyst},
	"replayQuarantine": {access.Owner, access.Admin, access.Editor},
	"createFile":       {access.Owner, access.Admin, access.Editor},
	"listFiles":        {access.Owner, access.Admin, access.Editor},
	"getFile":          {access.Owner, access.Admin, access.Editor},
	"deleteFile":       {access.Owner, access.Admin, access.Editor},
	"listUploads":      {access.Owner, access.Admin, access.Editor},
	"previewFile":      {access.Owner, access.Admin, access.Editor},
	"changeFile":       {access.Owner, access.Admin, access.Editor},
	"discoverTables":   {access.Owner, access.Admin, access.Editor},
	"previewSchedule":  {access.Owner, access.Admin, access.Editor, access.Analyst},
	"loadFile":         {access.Owner, access.Admin, access.Editor},
	"loadRows":         {access.Owner, access.Admin, access.Editor},
	"getLedger":        {access.Owner, access.Admin, access.Editor, access.Analyst},
	"runQuery":         {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"listValues":       {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"getSaved":         {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"runSQL":           {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"cubeLoad":         {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"cubeLoadGet":      {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"cubeDryRun":       {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"cubeDryRunGet":    {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"cubeSQL":          {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"cubeSQLGet":       {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"cubeMeta":         {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"cubeStatement":    {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"createEmbedToken": {access.Owner, access.Admin, access.Editor},
	"createConnector":  {access.Owner, access.Admin, access.Editor},
	"listConnectors":   {access.Owner, access.Admin, access.Editor},
	"getConnector":     {access.Owner, access.Admin, access.Editor},
	"updateConnector":  {access.Owner, access.Admin, access.Editor},
	"deleteConnector":  {access.Owner, access.Admin, access.Editor},
	"testConnector":    {access.Owner, access.Admin, access.Editor},
	"listSourceTables": {access.Owner, access.Admin, access.Editor},
	"syncConnector":    {access.Owner, access.Admin, access.Editor},
	"createErasure":    {access.Owner, access.Admin},
	"getSubject":       {access.Owner, access.Admin},
	"createExport":     {access.Owner, access.Admin, access.Editor, access.Analyst},
	"createSchedule":   {access.Owner, access.Admin, access.Editor, access.Analyst},
	"getModels":        {access.Owner, access.Admin, access.Editor, access.Analyst},
	"putModels":        {access.Owner, access.Admin, access.Editor},
	"runModels":        {access.Owner, access.Admin, access.Editor},
	"tryModels":        {access.Owner, access.Admin, access.Editor},
	"listSchedules":    {access.Owner, access.Admin, access.Editor, access.Analyst},
	"getSchedule":      {access.Owner, access.Admin, access.Editor, access.Analyst},
	"changeSchedule":   {access.Owner, access.Admin, access.Editor, access.Analyst},
	"deleteSchedule":   {access.Owner, access.Admin, access.Editor, access.Analyst},
	"runSchedule":      {access.Owner, access.Admin, access.Editor, access.Analyst},
	"getLimits":        {access.Owner, access.Admin},
	"setLimits":        {access.Owner, access.Admin},
	"listJobs":         {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"getJob":           {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"watchJob":         {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"getJobLog":        {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"cancelJob":        {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"retryJob":         {access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer},
	"createKey":        {access.Owner, access.Admin},
	"listKeys":         {access.Owner, access.Admin},
	"rotateKey":        {access.Owner, access.Admin},
	"revokeKey":        {access.Owner, access.Admin},
	"createRowFilter":  {access.Owner, access.Admin},
	"listRowFilters":   {access.Owner, access.Admin},
	"deleteRowFilter":  {access.Owner, access.Admin},
	"createMask":       {access.Owner, access.Admin},
	"listMasks":        {access.Owner, access.Admin},
	"listAudit":        {access.Owner, access.Admin},
	"exportAudit":      {access.Owner, access.Admin},
	"verifyAudit":      {access.Owner, access.Admin},
	"deleteMask":       {access.Owner, access.Admin},
	"createGrant":      {access.Owner, access.Admin},
	"listGrants":       {access.Owner, access.Admin},
	"deleteGrant":      {access.Owner, access.Admin},
	"inviteUser":       {access.Owner, access.Admin},
	"listUsers":        {access.Owner, access.Admin},
	"changeUser":       {access.Owner, access.Admin},
	"removeUser":       {access.Owner, access.Admin},
	"signOutUser":      {access.Owner, access.Admin},
	"resetUser":        {access.Owner, access.Admin},
	"getSelf":          everyRole,
	"createToken":      everyRole,

	"previewEnrichment": {access.Owner, access.Admin, access.Editor},
}

// speaks reports whether a route is one of a protocol that producers speak already.
func speaks(r route.Route) bool {
	return slices.ContainsFunc(route.Producers, func(p route.Route) bool { return p.ID == r.ID })
}

func TestEachRoleMayDoWhatItsRoleSaysAndNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, r := range route.All {
		if r.Action == "" {
			continue
		}
		who, ok := allowed[r.ID]
		if speaks(r) {
			who, ok = allowed["sendEvents"], true
		}
		if !ok {
			t.Errorf("%s is not in this test's table: say who may use it", r.ID)
		}
		for _, role := range everyRole {
			out := w.ask(r.Method, target(r), w.keys[role], []byte("{}"), nil)
			denied := out.Code == http.StatusForbidden
			if may := slices.Contains(who, role); denied == may || out.Code == http.StatusUnauthorized || out.Code >= 500 {
				t.Errorf("%s answers role %s with %d %s", r.ID, role, out.Code, out.Body)
			}
			if denied && problemAt(t, r.Path, out).Code != "denied" {
				t.Errorf("%s: %s", r.ID, out.Body)
			}
		}
	}
}

// TestAKeyOfOneDatasetReachesNoOther asks with keys that may do everything, but to
// another dataset only.
func TestAKeyOfOneDatasetReachesNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"mine", "other"} {
		if out := w.ask(http.MethodPost, "/v1/datasets", w.keys[access.Owner], []byte(`{"name":"`+name+`","kind":"events"}`), nil); out.Code != http.StatusCreated {
			t.Fatal(out.Code, out.Body)
		}
	}
	key := w.newKey(t, map[string]any{"name": "mine", "role": "owner", "dataset": "mine"})
	for _, r := range route.All {
		if r.Action == "" || r.Unbound || speaks(r) {
			continue // these go by what the body or the key names
		}
		path := strings.Replace(r.Path, "{dataset}", "other", 1)
		if out := w.ask(r.Method, strings.Replace(path, "{key}", "absent", 1), key, []byte("{}"), nil); out.Code != http.StatusForbidden {
			t.Errorf("%s of another dataset: %d %s", r.ID, out.Code, out.Body)
		}
	}
	for body, want := range map[string]int{
		`{"dataset":"other","measures":["count"]}`: http.StatusForbidden,
		`{"dataset":"mine","measures":["count"]}`:  http.StatusOK,
	} {
		if out := w.ask(http.MethodPost, "/v1/query", key, []byte(body), nil); out.Code != want {
			t.Errorf("%s: %d %s", body, out.Code, out.Body)
		}
	}
	out := w.ask(http.MethodPost, "/v1/track", key, []byte(`{"event":"x","messageId":"m1","userId":"u"}`), nil)
	if out.Code != http.StatusOK {
		t.Fatal(out.Code, out.Body)
	}
	if out := w.ask(http.MethodGet, "/v1/datasets/events", w.keys[access.Owner], nil, nil); out.Code != http.StatusNotFound {
		t.Errorf("a bound key's event made the default dataset: %d", out.Code)
	}
}

func TestWhatIsNotServedIsToldFromWhatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	methods := []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace, "BREW"}
	served := map[string][]string{}
	for _, r := range route.All {
		served[target(r)] = append(served[target(r)], r.Method)
	}
	for path, has := range served {
		for _, method := range methods {
			if slices.Contains(has, method) || method == http.MethodHead && slices.Contains(has, http.MethodGet) {
				continue
			}
			out := w.ask(method, path, w.keys[access.Owner], nil, nil)
			allow := out.Header().Values("Allow")
			slices.Sort(allow)
			slices.Sort(has)
			if out.Code != http.StatusMethodNotAllowed || !slices.Equal(allow, has) {
				t.Errorf("%s %s: %d, Allow %q, want %q", method, path, out.Code, allow, has)
			}
			problemOf(t, out)
		}
	}
	for _, path := range []string{"/v1", "/v1/", "/v2/datasets", "/v1/datasets/web/nothing", "/v1/datasets/web/events/e1", "/nothing", "/favicon.ico"} {
		out := w.ask(http.MethodGet, path, w.keys[access.Owner], nil, nil)
		if out.Code != http.StatusNotFound || problemOf(t, out).Code != "no_such_route" {
			t.Errorf("%s: %d %s", path, out.Code, out.Body)
		}
	}
}

func TestNoPathIsATrap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	paths := []string{
		"/v1/datasets/web%2fevents", "/v1/datasets/..%2f..%2fetc%2fpasswd", "/v1/datasets/%2e%2e", "/v1/datasets/..", "/v1/datasets/../keys", "/v1/datasets/./web",
		"//v1/datasets", "/v1//datasets", "/v1/datasets/", "/v1/datasets/web/", "/v1/datasets/web/events/", "/v1/datasets//events",
		"/v1/datasets/%00", "/v1/datasets/%ff%fe", "/v1/datasets/a%0d%0ab", "/v1/datasets/%25", "/v1/datasets/%20", "/v1/datasets/%3f%23", "/v1/datasets/+", "/v1/datasets/ünï",
		"/v1/datasets/" + strings.Repeat("a", 10_000), "/v1/datasets/web/events?id=%ff", "/v1/datasets/web/events?id=%00", "/v1/datasets/web/events?id=" + strings.Repeat("a", 10_000),
		"/v1/datasets?next=%ff", "/v1/datasets?next=%00", "/v1/datasets?limit=-1", "/v1/datasets?limit=99999999999999999999", "/v1/datasets?limit=x", "/v1/datasets?;&=%", "/v1/keys?next=../..",
		"/v1/keys/..", "/v1/keys/%2e%2e%2f", "/v1/datasets/web/quarantine?next=tail:-1", "/v1/datasets/web/quarantine?next=x:1", "/v1/datasets/web/quarantine?next=%ff:99999999999999999999",
		"/blobs/", "/blobs/..%2f..%2ftarn.db", "/blobs/%00", "/oidc/..%2f", "/oidc/nothing", "/index.html/..", "/%2e%2e/v1/me", "/v1/me%00",
	}
	if out := w.ask(http.MethodPost, "/v1/datasets", w.keys[access.Owner], []byte(`{"name":"web","kind":"events"}`), nil); out.Code != http.StatusCreated {
		t.Fatal(out.Code, out.Body)
	}
	for _, path := range paths {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodHead} {
			if method == http.MethodDelete && path == "/v1/datasets/./web" {
				continue // a redirect to what is there
			}
			out := w.ask(method, path, w.keys[access.Owner], nil, nil)
			if out.Code >= 500 {
				t.Errorf("%s %.80s: %d %s", method, path, out.Code, out.Body)
			}
			if out.Code >= 400 && strings.HasPrefix(path, "/v1/") && method != http.MethodHead {
				problemOf(t, out)
			}
		}
	}
}
