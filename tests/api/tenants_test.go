package api

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/route"
)

// absent is what each route answers when what it names is not there. A route that is not
// in the table names nothing.
var absent = map[string]int{
	"getDataset": 404, "updateDataset": 404, "deleteDataset": 404,
	"listDefinitions": 404, "getDefinition": 404, "putDefinition": 404, "deleteDefinition": 404, "getEnrichment": 404, "listEnrichments": 404, "putEnrichment": 404, "previewEnrichment": 404, "getSaved": 404,
	"sendEvents": 404, "getEvent": 404, "listQuarantine": 404, "replayQuarantine": 404, "getLedger": 404,
	"createFile": 404, "listFiles": 404, "getFile": 404, "listUploads": 404, "changeFile": 404, "deleteFile": 404, "previewFile": 404, "loadFile": 404, "loadRows": 404,
	"createEmbedToken": 404, "runQuery": 404, "listValues": 404, "runSQL": 404, "createExport": 404,
	"cubeLoad": 404, "cubeLoadGet": 404, "cubeDryRun": 404, "cubeDryRunGet": 404, "cubeSQL": 404, "cubeSQLGet": 404, "cubeStatement": 404,
	"getConnector": 404, "updateConnector": 404, "deleteConnector": 404, "testConnector": 404, "listSourceTables": 404, "syncConnector": 404,
	"putModels": 404, "runModels": 404, "tryModels": 404,
	"createSchedule": 404, "getSchedule": 404, "changeSchedule": 404, "deleteSchedule": 404, "runSchedule": 404,
	"getJob": 404, "watchJob": 404, "getJobLog": 404, "cancelJob": 404, "retryJob": 404,
	"revokeKey": 404, "rotateKey": 404, "changeUser": 404, "removeUser": 404, "signOutUser": 404, "resetUser": 404, "deleteRowFilter": 404, "deleteMask": 404, "deleteGrant": 404,
	"createRowFilter": 201, "createMask": 201, "createGrant": 201, // a rule may come before its dataset
}

// TestEveryRouteByEveryRoleOfOnesOwnOfSomebodyElsesAndOfNothing is the matrix: what is
// there and one's own is given to whom the table of roles says, and what is another
// tenant's is to nobody different from what is not there.
func TestEveryRouteByEveryRoleOfOnesOwnOfSomebodyElsesAndOfNothing(t *testing.T) {
	t.Parallel()
	for _, role := range everyRole {
		t.Run(string(role), func(t *testing.T) {
			d := newDependent(t)
			requests := d.prepare(t)
			mine, theirs := d.keyOf(t, "main", role), d.keyOf(t, "other", role)
			for _, r := range route.All {
				if r.Function == "reference" || speaks(r) {
					continue
				}
				may, of := slices.Contains(allowed[r.ID], role), requests[r.ID]
				wantOwn, wantAbsent := r.Status, absent[r.ID]
				if !may {
					wantOwn, wantAbsent = http.StatusForbidden, http.StatusForbidden
				}
				if absent[r.ID] != 0 {
					foreign := d.ask(r.Method, of.target, theirs, []byte(of.body), nil)
					nothing := d.ask(r.Method, renamed(of.target), theirs, []byte(renamed(of.body)), nil)
					if foreign.Code != wantAbsent || nothing.Code != wantAbsent {
						t.Errorf("%s: %d for another tenant's, %d for nothing, want %d\n%s\n%s", r.ID, foreign.Code, nothing.Code, wantAbsent, foreign.Body, nothing.Body)
					}
					if wantAbsent >= 400 && renamed(foreign.Body.String()) != renamed(nothing.Body.String()) {
						t.Errorf("%s tells another tenant's from nothing:\n%s\n%s", r.ID, foreign.Body, nothing.Body)
					}
				}
				// A role that may not manage jobs sees its own jobs and schedules alone, and these are the owner's.
				private := strings.Contains(r.Path, "{job_id}") || strings.HasPrefix(r.Path, route.GetSchedule.Path)
				if own := d.ask(r.Method, of.target, mine, []byte(of.body), nil); own.Code != wantOwn && !(private && may && own.Code == http.StatusNotFound) {
					t.Errorf("%s: %d for one's own, want %d: %s", r.ID, own.Code, wantOwn, own.Body)
				}
			}
		})
	}
}

// ids are those that are made.
var ids = regexp.MustCompile(`[0-9a-f]{12,32}`)

// renamed puts names that are nowhere in the place of those that main has.
func renamed(text string) string {
	text = ids.ReplaceAllString(text, "0000000000000000")
	return strings.NewReplacer("web", "nil", "doomed", "nilnil", "views", "nulls").Replace(text)
}
