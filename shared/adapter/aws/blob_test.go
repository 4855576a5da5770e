package aws

import (
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
)

// refuseXML answers with an error of S3.
func refuseXML(status int, code string) answer {
	return reply(status, "<Error><Code>"+code+"</Code><Message>m</Message></Error>")
}

func TestAPutWhoseAnswerWasLostIsNotRepeated(t *testing.T) {
	for name, a := range map[string]answer{"cut": lost, "failure": refuseXML(500, "InternalError"), "no service": reply(503, "")} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, a)
			wantKind(t, s.account().Blob("b").Put(t.Context(), "k", []byte("body")), fault.Unavailable)
			s.wants(t, 1)
		})
	}
}

func TestAPutThatMetAnotherIsRepeatedAndTellsWhoWon(t *testing.T) {
	s := serve(t, refuseXML(409, "ConditionalRequestConflict"), refuseXML(503, "SlowDown"), refuseXML(412, "PreconditionFailed"))
	wantKind(t, s.account().Blob("b").Put(t.Context(), "k", nil), fault.Conflict)
	s.wants(t, 3)
}

func TestADownloadThatIsCutIsUnavailable(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	body, err := s.account().Blob("b").Get(t.Context(), "k", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	_, err = io.ReadAll(body)
	wantKind(t, err, fault.Unavailable)
}

func TestARangeOfAnEmptyBlobIsEmpty(t *testing.T) {
	s := serve(t, refuseXML(416, "InvalidRange"), reply(200, ""))
	body, err := s.account().Blob("b").Get(t.Context(), "k", 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(body); len(got) > 0 || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestAPresignedUploadTakesAnyBody(t *testing.T) {
	text, err := serve(t, lost).account().Blob("b").PresignPut(t.Context(), "k", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	query := signed.Query()
	if got := query.Get("X-Amz-SignedHeaders"); got != "host" {
		t.Errorf("the holder must send the headers %q, want host alone", got)
	}
	if got := query.Get("X-Amz-Expires"); got != "3600" {
		t.Errorf("expires after %s s, want 3600", got)
	}
	for name := range query {
		if name == "X-Amz-Checksum-Crc32" || name == "x-amz-checksum-crc32" {
			t.Errorf("%s is that of no body", name)
		}
	}
}

func TestAURLThatWouldBeGoodForTooLongIsInvalid(t *testing.T) {
	b := serve(t, lost).account().Blob("b")
	for _, expires := range []time.Duration{0, -1, maxPresign + 1} {
		_, err := b.PresignGet(t.Context(), "k", expires)
		wantKind(t, err, fault.Invalid)
	}
}
