# The functions' binaries: their size and start-up time, and the API's contract on a
# server that runs. The Makefile at the root includes this file.

.PHONY: bench-lambda test-stage
bench-lambda: need-go need-cc ## Measure the Lambda binaries: size, start-up time, and from acknowledged to visible
	go test -run '^$$' -bench . -benchtime 20x ./tests/lambda

test-stage: need-go ## Tell the API's contract to a running server: make test-stage URL=https://... KEY=tarn_...
	@TARN_URL='$(URL)' TARN_API_KEY='$(KEY)' go test -count=1 -run '^TestTheContractOnARunningServer$$' ./tests/scenario
