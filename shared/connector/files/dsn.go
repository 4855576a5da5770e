package files

import (
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/outbound"
)

// badDSN quotes nothing: what was given may hold a password.
func badDSN(why string) error {
	return fault.New(fault.Invalid, "bad_dsn", "the dsn %s", why).
		WithHint("s3://KEY:SECRET@bucket/folder?region=eu-central-1, https://host/folder/, https://host/file.csv or https://docs.google.com/spreadsheets/d/…")
}

// folder reads a connection string.
func (d Driver) folder(dsn string) (folder, error) {
	if rest, ok := strings.CutPrefix(dsn, "s3://"); ok {
		return d.bucket(rest)
	}
	u, err := url.Parse(dsn)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, badDSN("is no URL of a bucket, a folder, a file or a sheet")
	}
	w := &web{client: d.Client, user: u.User}
	if strings.EqualFold(u.Hostname(), "docs.google.com") {
		return sheetOf(w, u)
	}
	u.User, u.Fragment = nil, ""
	if u.Path == "" {
		u.Path = "/"
	}
	if outbound.CheckURL(u.String()) != nil {
		return nil, badDSN("is no URL that can be called")
	}
	w.root = u
	return w, nil
}

// bucket reads "KEY:SECRET@bucket/folder?region=…&endpoint=…". A secret may hold a slash,
// which no URL's does.
func (d Driver) bucket(rest string) (folder, error) {
	keys, place, ok := strings.Cut(rest, "@")
	key, secret, both := strings.Cut(keys, ":")
	if plain, err := url.PathUnescape(secret); err == nil {
		secret = plain
	}
	if !ok || !both || key == "" || secret == "" {
		return nil, badDSN("names no key and secret of the bucket")
	}
	u, err := url.Parse("s3://" + place)
	if err != nil || u.Host == "" || u.Port() != "" {
		return nil, badDSN("names no bucket")
	}
	for name := range u.Query() {
		if name != "region" && name != "endpoint" {
			return nil, badDSN("has an option other than region and endpoint")
		}
	}
	region, endpoint := u.Query().Get("region"), u.Query().Get("endpoint")
	switch {
	case endpoint != "" && outbound.CheckURL(endpoint) != nil:
		return nil, badDSN("has an endpoint that is no URL")
	case endpoint == "" && region == "":
		return nil, badDSN("names no region")
	case region == "":
		region = "us-east-1" // which servers that have none take
	}
	prefix := strings.Trim(u.Path, "/")
	if prefix != "" {
		prefix += "/"
	}
	return newBucket(d.Client, key, secret, u.Host, prefix, region, endpoint), nil
}

// sheets are the paths of sheets: as they are edited, and as they are published.
var sheets = regexp.MustCompile(`^/spreadsheets/d/(e/)?([\w-]+)(/|$)`)

// sheetOf returns the sheet that a link leads to, which its fragment or query may name.
func sheetOf(w *web, u *url.URL) (folder, error) {
	found := sheets.FindStringSubmatch(u.Path)
	if found == nil || u.User != nil || u.Scheme != "https" {
		return nil, badDSN("is no link to a sheet")
	}
	fragment, err := url.ParseQuery(u.Fragment)
	if err != nil {
		return nil, badDSN("is no link to a sheet")
	}
	gid := fragment.Get("gid")
	if gid == "" {
		gid = u.Query().Get("gid")
	}
	if gid == "" {
		gid = "0"
	}
	link := &url.URL{Scheme: "https", Host: "docs.google.com", Path: "/spreadsheets/d/" + found[2] + "/export", RawQuery: url.Values{"format": {"csv"}, "gid": {gid}}.Encode()}
	if found[1] != "" {
		link.Path, link.RawQuery = "/spreadsheets/d/e/"+found[2]+"/pub", url.Values{"output": {"csv"}, "gid": {gid}, "single": {"true"}}.Encode()
	}
	w.root = link
	return &sheet{web: w, name: path.Base(gid) + ".csv"}, nil
}
