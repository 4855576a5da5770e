package connectors

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/connector/kinds"
	"github.com/tarnhq/tarn/shared/outbound"
)

func TestTheDocumentNamesEveryKindOfConnector(t *testing.T) {
	field, _ := reflect.TypeFor[spec]().FieldByName("Kind")
	told := strings.Split(field.Tag.Get("enum"), ",")
	slices.Sort(told)
	var want []string
	for _, kind := range slices.Sorted(maps.Keys(kinds.All(outbound.Options{}))) {
		want = append(want, string(kind))
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("-there are +the document has:\n%s", diff)
	}
}
