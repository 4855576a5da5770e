# The AWS side: building what Lambda runs, and the CDK. The Makefile at the root
# includes this file. The CDK costs minutes to compile once, so none of it is in the
# quick loop.

STAGE ?= dev

lambda_functions := $(patsubst functions/%/lambda/main.go,%,$(wildcard functions/*/lambda/main.go))
lambda_engines := queries worker models
lambda_bootstraps := $(lambda_functions:%=build/lambda/%/bootstrap)

# The same flags everywhere make the same bytes everywhere. DuckDB is C++, so what
# links it is built for the machine it is built on, and holds its C library.
lambda_flags := -trimpath -buildvcs=false
lambda_pure := CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build $(lambda_flags) -tags lambda.norpc -ldflags '-s -w -buildid='
lambda_static := CGO_ENABLED=1 GOOS=linux GOARCH=amd64 go build $(lambda_flags) -tags lambda.norpc,netgo,osusergo \
	-ldflags '-s -w -buildid= -linkmode external -extldflags "-static"'

cdk := JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20 npx --no-install cdk

.PHONY: lambdas synth deploy destroy redrive test-infra cfn-lint
.PHONY: $(lambda_bootstraps) # go build knows better what is up to date

lambdas: $(lambda_bootstraps) ## Build every function as Lambda runs it

$(lambda_bootstraps): build/lambda/%/bootstrap: | need-go need-cc
	$(if $(filter $*,$(lambda_engines)),$(lambda_static),$(lambda_pure)) -o $@ ./functions/$*/lambda

synth: lambdas node_modules/.package-lock.json ## Render the CloudFormation templates of all stages into cdk.out
	$(if $(CDK_VALIDATION),,CDK_VALIDATION=false) $(cdk) synth --quiet

deploy: lambdas node_modules/.package-lock.json ## Deploy a stage: make deploy STAGE=dev ALARM_EMAIL=you@example.com
	$(cdk) deploy 'tarn-$(STAGE)-*'

destroy: node_modules/.package-lock.json ## Remove a stage that is not kept: make destroy STAGE=dev
	$(cdk) destroy 'tarn-$(STAGE)-*'

redrive: ## Put failed batches back on the stream: make redrive STAGE=dev
	aws lambda invoke --cli-read-timeout 0 /dev/stdout --function-name "$$(aws cloudformation describe-stacks \
		--stack-name tarn-$(STAGE)-functions --query 'Stacks[0].Outputs[?OutputKey==`RedriveFunction`].OutputValue' --output text)"

test-infra: need-go ## Test the templates: routes, grants, the event source, cdk-nag
	go vet ./infra/...
	go run $(STATICCHECK) ./infra/...
	go run $(GOSEC) -quiet ./infra/...
	JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20 go test ./infra/...

cfn-lint: synth ## Check the rendered templates against CloudFormation's schemas
	@if command -v cfn-lint >/dev/null; then cfn-lint --non-zero-exit-code error --ignore-checks W3005 -- cdk.out/tarn-*.template.json; \
	else echo "cfn-lint is absent: the templates were NOT checked. Install it with: pip install cfn-lint" >&2; exit 1; fi
