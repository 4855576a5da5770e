package architecture

import (
	"path"
	"strings"
	"testing"
)

// rule forbids some packages some imports.
type rule struct {
	name  string
	who   func(folder string) bool
	never func(imported string) bool
}

const (
	adapters = "shared/adapter"
	sdk      = "github.com/aws/aws-sdk-go-v2"
	runtime  = "github.com/aws/aws-lambda-go"
	proxy    = "github.com/awslabs/aws-lambda-go-api-proxy"
	cdk      = "github.com/aws/aws-cdk-go"
)

func in(folders ...string) func(string) bool {
	return func(folder string) bool { return within(folder, folders...) }
}

// domain is everything shared but the two bridges to the world.
func domain(folder string) bool {
	return within(folder, "shared") && !within(folder, adapters, "shared/serve")
}

// buckets is where connectors read S3, as others do databases: by the library of those who
// made it.
const buckets = "shared/connector/files"

// handlers are the importable packages of functions; the mains choose adapters.
func handlers(folder string) bool {
	return within(folder, "functions") && !within(folder, "functions/local") && path.Base(folder) != "lambda"
}

// answering are the handlers but those of the pipeline, which write rows and show none.
func answering(folder string) bool {
	return handlers(folder) && !within(folder, "functions/ingest", "functions/ingestor", "functions/sweeper", "functions/compactor", "functions/publisher", "functions/worker", "functions/redrive")
}

func ours(imported string) bool {
	top, _, _ := strings.Cut(imported, "/")
	return in("console", "events", "functions", "infra", "shared", "tests")(top)
}

var rules = []rule{
	{"the domain knows no adapters", domain, in(adapters, "shared/serve", runtime, proxy, cdk)},
	{"the domain does not know AWS", func(folder string) bool { return domain(folder) && !within(folder, buckets) }, in(sdk)},
	{"handlers know neither adapters nor AWS's services", handlers, in(adapters, "shared/serve", sdk, proxy, cdk)},
	{"who answers callers opens datasets through the gate", answering, in("shared/snapshot", "shared/tail", "shared/manifest")},
	{"the AWS adapter does not know the embedded one", in(adapters + "/aws"), in(adapters + "/embedded")},
	{"the embedded adapter does not know AWS", in(adapters + "/embedded"), in(adapters+"/aws", sdk, runtime, proxy, cdk)},
	{"adapters know ports, not who uses them", in(adapters), in("functions", "infra", "shared/api", "shared/serve", "shared/route")},
	{"nothing shared knows functions, infra or the page", in("shared"), in("functions", "infra", "console")},
	{"the command line knows the API, not the server", in("functions/cli"), func(imported string) bool {
		return ours(imported) && !within(imported, "functions/cli", "shared/config")
	}},
	{"events imports nothing of ours", in("events"), ours},
	{"the page imports nothing of ours", in("console"), ours},
	{"infra knows names, not behaviour", in("infra"), in(adapters, "shared/api", "shared/serve", "functions")},
	{"what ships does not import tests", in("console", "events", "functions", "infra", "shared"), in("tests")},
}

func TestImportsPointOneWay(t *testing.T) {
	all := sources(t)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			concerned := 0
			for _, s := range all {
				if s.test || !r.who(s.folder) {
					continue
				}
				concerned++
				for _, imported := range s.imports {
					if r.never(imported) {
						t.Errorf("%s imports %s", s.path, imported)
					}
				}
			}
			if concerned == 0 {
				t.Error("the rule concerns no file: were folders renamed?")
			}
		})
	}
}
