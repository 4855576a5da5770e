package files

import (
	"context"
	"errors"
	"net/http"

	"github.com/tarnhq/tarn/shared/fault"
)

// sheet is one sheet of Google Sheets, as a file: Google redirects from its link to where
// the CSV is, or to a page to sign in where the sheet is not shared. It tells of no version.
type sheet struct {
	*web
	name string
}

func (s *sheet) list(context.Context, string, int) ([]entry, error) {
	return []entry{{name: s.name, size: -1}}, nil
}

func (s *sheet) stat(_ context.Context, all []entry) ([]entry, error) { return all, nil }

func (s *sheet) check(ctx context.Context, e entry) error {
	c, err := s.open(ctx, e)
	if err == nil {
		c.close()
	}
	return err
}

func (s *sheet) open(ctx context.Context, _ entry) (content, error) {
	answer, err := s.call(ctx, http.MethodGet, s.root.String())
	var said *fault.Error
	switch {
	case errors.Is(err, errNotThere):
		return content{}, fault.New(fault.NotFound, "unknown_table", "there is no such sheet").WithHint("open the sheet in a browser, and take the link from there: …/edit#gid=123")
	case errors.As(err, &said) && (said.Code == "source_refused" || said.Code == "source_error"):
		return content{}, notShared(said.Message)
	case err != nil:
		return content{}, err
	}
	defer answer.Body.Close()
	if isPage(answer) {
		return content{}, notShared("Google answers with a page to sign in")
	}
	return spool(answer.Body)
}

func notShared(why string) error {
	return fault.New(fault.Invalid, "source_refused", "the sheet cannot be read: %s", why).WithHint("share it with anyone who has the link, as a viewer")
}
