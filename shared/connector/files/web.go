package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/sync/errgroup"

	"github.com/tarnhq/tarn/shared/fault"
)

// web is what an HTTP server has below a URL that ends with a slash, by the links of its
// pages; of another URL it is the one file there.
type web struct {
	client *http.Client
	user   *url.Userinfo
	root   *url.URL
}

// Limits of the pages that list files.
const (
	maxPages = 1000
	maxDepth = 10
)

func (w *web) list(ctx context.Context, prefix string, some int) (all []entry, err error) {
	if !strings.HasSuffix(w.root.Path, "/") {
		return []entry{{name: path.Base(w.root.Path), at: w.root.String()}}, nil
	}
	seen := map[string]bool{w.root.Path: true}
	for pages := []*url.URL{w.root}; len(pages) > 0 && len(all) < some; pages = pages[1:] {
		links, err := w.links(ctx, pages[0])
		if err != nil {
			return nil, err
		}
		for _, link := range links {
			name := strings.TrimPrefix(link.Path, w.root.Path)
			folder := strings.HasSuffix(name, "/")
			if seen[link.Path] || name == "" || !strings.HasPrefix(name, prefix) && !(folder && strings.HasPrefix(prefix, strings.TrimSuffix(name, "/"))) {
				continue
			}
			seen[link.Path] = true
			if !folder {
				all = append(all, entry{name: name, at: link.String()})
			} else if strings.Count(name, "/") <= maxDepth {
				pages = append(pages, link)
			}
		}
		if len(seen) > maxScan+maxPages {
			return all, nil // too many, whatever they are
		}
	}
	return all, nil
}

// links returns where a page leads to that is below the folder. A link with a query sorts the
// page.
func (w *web) links(ctx context.Context, page *url.URL) (all []*url.URL, err error) {
	answer, err := w.call(ctx, http.MethodGet, page.String())
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if !isPage(answer) {
		return nil, fault.New(fault.Invalid, "source_refused", "the server has no page that lists the folder").WithHint("name a file in the dsn, or have the server list folders")
	}
	for tokens := html.NewTokenizer(answer.Body); ; {
		switch tokens.Next() {
		case html.ErrorToken:
			return all, nil
		case html.StartTagToken:
			token := tokens.Token()
			if token.Data != "a" {
				continue
			}
			for _, attribute := range token.Attr {
				link, err := page.Parse(attribute.Val)
				if attribute.Key == "href" && err == nil && link.RawQuery == "" && link.Host == w.root.Host && link.Scheme == w.root.Scheme && strings.HasPrefix(link.Path, w.root.Path) {
					link.Fragment = ""
					all = append(all, link)
				}
			}
		}
	}
}

func isPage(answer *http.Response) bool {
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")) // what is none is no page
	return kind == "text/html" || kind == "application/xhtml+xml"
}

// stat asks for a few files at a time.
func (w *web) stat(ctx context.Context, all []entry) ([]entry, error) {
	there := make([]bool, len(all))
	some, within := errgroup.WithContext(ctx)
	some.SetLimit(8)
	for i := range all {
		some.Go(func() (err error) {
			there[i], err = w.look(within, &all[i])
			return err
		})
	}
	if err := some.Wait(); err != nil {
		return nil, err
	}
	var found []entry
	for i, e := range all {
		if there[i] {
			found = append(found, e)
		}
	}
	return found, nil
}

// look asks for a file's version. A server that answers no HEAD tells it with the content.
func (w *web) look(ctx context.Context, e *entry) (there bool, err error) {
	answer, err := w.call(ctx, http.MethodHead, e.at)
	switch {
	case errors.Is(err, errNotThere):
		return false, nil
	case errors.Is(err, errNoHead):
		e.size = -1
		return true, nil
	case err != nil:
		return false, err
	}
	_ = answer.Body.Close()
	e.size = answer.ContentLength
	e.modified, _ = http.ParseTime(answer.Header.Get("Last-Modified")) // none: by name
	if tag := cmp.Or(answer.Header.Get("Etag"), answer.Header.Get("Last-Modified")); tag != "" {
		e.version = fmt.Sprintf("%s %d", tag, e.size)
	}
	return true, nil
}

func (w *web) check(ctx context.Context, e entry) error {
	_, err := w.look(ctx, &e)
	return err
}

// open fetches a file whole: not every server has ranges, and one answer is of one version.
func (w *web) open(ctx context.Context, e entry) (content, error) {
	answer, err := w.call(ctx, http.MethodGet, e.at)
	if errors.Is(err, errNotThere) {
		return content{}, moved()
	}
	if err != nil {
		return content{}, err
	}
	defer answer.Body.Close()
	if isPage(answer) {
		return content{}, fault.New(fault.Invalid, "source_refused", "the server answers with a page, and not with a file").WithHint("is it one to sign in? Open %.200q without a browser's cookies", path.Base(e.name))
	}
	if tag := cmp.Or(answer.Header.Get("Etag"), answer.Header.Get("Last-Modified")); e.version != "" && !strings.HasPrefix(e.version, tag+" ") {
		return content{}, moved()
	}
	return spool(answer.Body)
}

// What an answer may say that is no failure.
var (
	errNotThere = fault.New(fault.NotFound, "unknown_table", "the server has no such file or folder").WithHint("GET …/tables lists what there is")
	errNoHead   = errors.New("the server answers no HEAD")
)

// call calls a URL. Neither its error nor the log has the URL, which may be a secret.
func (w *web) call(ctx context.Context, method, at string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, at, nil)
	if err != nil {
		return nil, badDSN("leads to what is no URL")
	}
	r.Header.Set("Accept-Encoding", "identity") // else a size and a tag would be another's
	if password, ok := w.user.Password(); ok {
		r.SetBasicAuth(w.user.Username(), password)
	}
	answer, err := w.client.Do(r)
	var ours *fault.Error
	switch {
	case errors.As(err, &ours):
		return nil, ours
	case err != nil:
		return nil, unreachable(err)
	case answer.StatusCode == http.StatusOK:
		return answer, nil
	}
	_ = answer.Body.Close()
	return nil, answered(method, answer.StatusCode)
}

// answered says what a status means that is not 200.
func answered(method string, status int) error {
	switch {
	case status == http.StatusNotFound, status == http.StatusGone:
		return errNotThere
	case method == http.MethodHead && (status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented):
		return errNoHead
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fault.New(fault.Invalid, "source_refused", "the server answers %d", status).WithHint("check user and password in the dsn: https://user:password@host/folder/")
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return fault.New(fault.Unavailable, "source_unavailable", "the server answers %d", status)
	}
	return fault.New(fault.Invalid, "source_error", "the server answers %d", status)
}
