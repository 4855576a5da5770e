// Package files holds the endpoints by which rows come in as files: a place to upload to,
// a look at what was uploaded, and the order to load it. Small files need no place: they
// are loaded as they are sent. Package jobs tells of loads under way.
package files

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/file"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/tabular"
)

// Deps is what the endpoints need.
type Deps struct {
	Catalog dataset.Catalog
	Gate    gate.Gate
	Files   file.Store
	Loading file.Loading
	Jobs    job.Jobs
	Now     func() time.Time
}

// Register serves the endpoints.
func Register(s *api.Server, d Deps) {
	api.Handle(s, route.CreateFile, d.create)
	api.Handle(s, route.ListFiles, d.list)
	api.Handle(s, route.GetFile, d.get)
	api.Handle(s, route.ListUploads, d.uploads)
	api.Handle(s, route.ChangeFile, d.change)
	api.Handle(s, route.DeleteFile, d.delete)
	api.Handle(s, route.PreviewFile, d.preview)
	api.Raw(s, route.LoadFile, nil, api.Accepted{}, d.load)
	api.Raw(s, route.LoadRows, []map[string]any{}, file.Loaded{}, d.rows)
}

// named is the input of the endpoints that concern one file.
type named struct {
	Dataset dataset.Name `path:"dataset" maxLength:"64"`
	File    file.ID      `path:"file" maxLength:"64"`
}

// made is a file with where to put it.
type made struct {
	file.File
	UploadURL string        `json:"upload_url,omitempty" doc:"PUT the file here within an hour, with no other credential; absent of one that goes in parts"`
	Uploads   []file.Upload `json:"uploads,omitempty" doc:"the parts, in any order; what is left later is told by GET …/uploads"`
}

// place is a new file.
type place struct {
	file.Spec
	file.Extent
}

func (d Deps) create(ctx context.Context, caller access.Principal, in *struct {
	Dataset dataset.Name `path:"dataset" maxLength:"64"`
	Body    place
}) (*struct{ Body made }, error) {
	into, err := d.Catalog.Get(ctx, caller.Tenant, in.Dataset)
	if err != nil {
		return nil, err
	}
	f, err := d.Files.Create(ctx, caller.Tenant, into, in.Body.Spec, in.Body.Extent, caller.ID)
	if err != nil {
		return nil, err
	}
	out := &struct{ Body made }{made{File: f}}
	if f.PartSize == 0 {
		out.Body.UploadURL, err = d.Files.UploadURL(ctx, caller.Tenant, f)
	} else {
		out.Body.Uploads, err = d.Files.Uploads(ctx, caller.Tenant, f)
	}
	return out, err
}

type uploads struct {
	Body struct {
		Uploads []file.Upload `json:"uploads" doc:"none: all is there"`
	}
}

func (d Deps) uploads(ctx context.Context, caller access.Principal, in *named) (*uploads, error) {
	f, _, err := d.found(ctx, caller, in.Dataset, in.File)
	if err != nil {
		return nil, err
	}
	out := &uploads{}
	out.Body.Uploads, err = d.Files.Uploads(ctx, caller.Tenant, f)
	return out, err
}

// page is a page of the list.
type page struct {
	Files []file.File `json:"files"`
	Next  string      `json:"next,omitempty" doc:"give it back as ?next= for the page after; absent on the last one"`
}

func (d Deps) list(ctx context.Context, caller access.Principal, in *struct {
	Dataset dataset.Name `path:"dataset" maxLength:"64"`
	Limit   int          `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Next    string       `query:"next" maxLength:"1000"`
}) (*struct{ Body page }, error) {
	of, err := d.Catalog.Get(ctx, caller.Tenant, in.Dataset)
	if err != nil {
		return nil, err
	}
	out := &struct{ Body page }{page{Files: []file.File{}}}
	some, next, err := d.Files.List(ctx, caller.Tenant, of, in.Next, in.Limit)
	out.Body.Files, out.Body.Next = append(out.Body.Files, some...), next
	return out, err
}

// found is a file and what it is loaded into.
func (d Deps) found(ctx context.Context, caller access.Principal, name dataset.Name, id file.ID) (file.File, dataset.Dataset, error) {
	of, err := d.Catalog.Get(ctx, caller.Tenant, name)
	if err != nil {
		return file.File{}, of, err
	}
	f, err := d.Files.Get(ctx, caller.Tenant, of, id)
	return f, of, err
}

func (d Deps) get(ctx context.Context, caller access.Principal, in *named) (*struct{ Body file.File }, error) {
	f, _, err := d.found(ctx, caller, in.Dataset, in.File)
	return &struct{ Body file.File }{f}, err
}

func (d Deps) change(ctx context.Context, caller access.Principal, in *struct {
	Dataset dataset.Name `path:"dataset" maxLength:"64"`
	File    file.ID      `path:"file" maxLength:"64"`
	Body    file.Change
}) (*struct{ Body file.File }, error) {
	f, of, err := d.found(ctx, caller, in.Dataset, in.File)
	if err != nil {
		return nil, err
	}
	f, err = d.Files.Change(ctx, caller.Tenant, of, f, in.Body)
	return &struct{ Body file.File }{f}, err
}

func (d Deps) delete(ctx context.Context, caller access.Principal, in *named) (*struct{}, error) {
	f, _, err := d.found(ctx, caller, in.Dataset, in.File)
	if err != nil {
		return nil, err
	}
	return nil, d.Files.Delete(ctx, caller.Tenant, f)
}

func (d Deps) preview(ctx context.Context, caller access.Principal, in *struct {
	named
	Dataset dataset.Name `path:"dataset" maxLength:"64"` // huma does not look into an embedded struct that is not exported
	File    file.ID      `path:"file" maxLength:"64"`
	Rows    int          `query:"rows" minimum:"1" maximum:"1000" default:"20" doc:"rows to show; types are those of the first 10,000"`
}) (*struct{ Body tabular.Preview }, error) {
	f, into, err := d.found(ctx, caller, in.Dataset, in.File)
	if err == nil {
		err = d.shown(ctx, caller, f)
	}
	if err != nil {
		return nil, err
	}
	src, err := d.Files.Source(ctx, caller.Tenant, f)
	if err != nil {
		return nil, err
	}
	look, err := tabular.Look(ctx, src, f.Name, f.Options, in.Rows, into.Declared)
	return &struct{ Body tabular.Preview }{look}, err
}

// shown refuses to show a file to whoever would not see all its rows once they are
// loaded, and has not uploaded it.
func (d Deps) shown(ctx context.Context, caller access.Principal, f file.File) error {
	if f.By == caller.ID {
		return nil
	}
	over, err := d.Gate.OpenWhole(ctx, caller, route.PreviewFile.Action, f.Dataset)
	if err == nil {
		over.Release()
	}
	return err
}

func (d Deps) load(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	f, _, err := d.found(r.Context(), caller, dataset.Name(r.PathValue(route.DatasetParam)), file.ID(r.PathValue("file")))
	if err != nil {
		return err
	}
	if _, err := d.Files.Source(r.Context(), caller.Tenant, f); err != nil {
		return err
	}
	spec, err := f.Job(caller.ID)
	if err != nil {
		return err
	}
	spec.Key = r.Header.Get("Idempotency-Key")
	j, err := d.Jobs.Submit(r.Context(), caller.Tenant, spec)
	if err != nil {
		return err
	}
	return api.Accept(w, route.LoadFile, j.ID)
}

// rows loads what the request's body holds.
func (d Deps) rows(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	body, err := api.Body(r)
	if err != nil {
		return err
	}
	into, err := d.Catalog.Get(r.Context(), caller.Tenant, dataset.Name(r.PathValue(route.DatasetParam)))
	if err != nil {
		return err
	}
	order, err := orderOf(r, d.Now())
	if err != nil {
		return err
	}
	src := tabular.FromReaderAt(bytes.NewReader(body), int64(len(body)))
	loaded, err := d.Loading.Load(r.Context(), caller.Tenant, into, order, src, nil)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(loaded)
}
