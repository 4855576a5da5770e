package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"github.com/tarnhq/tarn/shared/route"
)

func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// synth is a stage as it would be deployed.
type synth struct {
	Stage
	stacks    stacks
	data      template
	front     template
	functions template
	page      []string // files that are deployed as the web page
}

// template is a rendered stack.
type template struct {
	assertions.Template
	resources map[string]resource
	notes     assertions.Annotations
}

type resource struct {
	Type                string
	DeletionPolicy      string
	UpdateReplacePolicy string
	Properties          map[string]any
}

// of returns the resources of a type by logical id.
func (t template) of(kind string) map[string]resource {
	found := map[string]resource{}
	for id, r := range t.resources {
		if r.Type == kind {
			found[id] = r
		}
	}
	return found
}

// everyStage runs a test on the rendered stacks of each stage.
func everyStage(t *testing.T, test func(t *testing.T, s synth)) {
	t.Helper()
	all, err := rendered()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) { test(t, s) })
	}
}

// rendered renders all stages once, since that takes seconds.
var rendered = sync.OnceValues(func() ([]synth, error) { return renderAll(Stages...) })

// renderAll has cdk-nag looking on. Stand-ins take the place of the functions'
// binaries.
func renderAll(stages ...Stage) (all []synth, err error) {
	files, err := os.MkdirTemp("", "infra")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(files)
	a, err := standIns(files)
	if err != nil {
		return nil, err
	}
	flags, err := featureFlags()
	if err != nil {
		return nil, err
	}
	out := filepath.Join(files, "out")
	app := awscdk.NewApp(&awscdk.AppProps{Context: &flags, Outdir: jsii.String(out)})
	awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{Reports: jsii.Bool(false)}), nil)
	for _, s := range stages {
		all = append(all, synth{Stage: s, stacks: newStacks(app, s, a)})
	}
	for i := range all {
		s := &all[i]
		for stack, into := range map[awscdk.Stack]*template{s.stacks.data.stack: &s.data, s.stacks.front.stack: &s.front, s.stacks.functions.stack: &s.functions} {
			if *into, err = render(stack); err != nil {
				return nil, err
			}
		}
		if s.page, err = filesBeside(out, "index.html"); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// filesBeside lists the asset that holds a file.
func filesBeside(out, name string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(out, "asset.*", name))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("%d assets with %s: %w", len(found), name, err)
	}
	entries, err := os.ReadDir(filepath.Dir(found[0]))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func render(stack awscdk.Stack) (template, error) {
	t := template{Template: assertions.Template_FromStack(stack, nil)}
	text, err := json.Marshal(t.ToJSON())
	if err != nil {
		return template{}, err
	}
	var parsed struct{ Resources map[string]resource }
	if err := json.Unmarshal(text, &parsed); err != nil {
		return template{}, fmt.Errorf("stack %s: %w", *stack.StackName(), err)
	}
	t.resources, t.notes = parsed.Resources, assertions.Annotations_FromStack(stack)
	return t, nil
}

func standIns(in string) (assets, error) {
	a := assets{lambda: filepath.Join(in, "lambda"), console: "../console"}
	var files []string
	for _, f := range append(slices.Clone(route.Functions), route.SignIns, route.Feeds) {
		files = append(files, filepath.Join(a.lambda, f.Name, "bootstrap"))
	}
	for _, file := range files {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return assets{}, err
		}
		if err := os.WriteFile(file, []byte("a stand-in"), 0o644); err != nil {
			return assets{}, err
		}
	}
	return a, nil
}

// featureFlags are those that the command line would hand to the app.
func featureFlags() (map[string]any, error) {
	text, err := os.ReadFile("../cdk.json")
	if err != nil {
		return nil, err
	}
	var file struct{ Context map[string]any }
	err = json.Unmarshal(text, &file)
	return file.Context, err
}

// id returns the logical id of a construct's resource.
func (s synth) id(of awscdk.Resource) string {
	return *of.Stack().GetLogicalId(of.Node().DefaultChild().(awscdk.CfnElement))
}

func ptr(text string) *string { return &text }

func number(n int) *float64 { return jsii.Number(n) }
