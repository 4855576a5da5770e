package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tarnhq/tarn/functions/cli/client"
	"github.com/tarnhq/tarn/functions/cli/signin"
)

// The exit codes, which scripts rely on.
const (
	codeDone        = 0
	codeRefused     = 1
	codeUsage       = 2
	codeCheck       = 3
	codeDenied      = 4
	codeUnreachable = 5
	codeInterrupted = 130
)

const exitCodes = `Exit codes:
  0  done
  1  the request was refused, or failed
  2  wrong usage
  3  a check failed: a ledger that does not balance, a job that failed, events or rows in quarantine
  4  not signed in, or not allowed
  5  the server cannot be reached, or was not available however often it was asked
  130  interrupted`

// failure is an error of a command that was understood.
type failure struct{ error }

func (f *failure) Unwrap() error { return f.error }

// usage is a command that cannot be meant.
type usage struct{ text string }

func (u *usage) Error() string { return u.text }

func wrong(format string, args ...any) error { return &usage{fmt.Sprintf(format, args...)} }

// check is what a command was asked to look at, and found wanting.
type check struct{ text string }

func (c *check) Error() string { return c.text }

func unfit(format string, args ...any) error { return &check{fmt.Sprintf(format, args...)} }

// exitCode says how a command ended.
func exitCode(err error) int {
	var (
		failed   *failure
		misused  *usage
		checked  *check
		refused  *client.Problem
		vanished *client.Unreachable
	)
	switch {
	case err == nil:
		return codeDone
	case !errors.As(err, &failed), errors.As(err, &misused):
		return codeUsage
	case errors.As(err, &checked):
		return codeCheck
	case errors.Is(err, signin.ErrEnded):
		return codeDenied
	case errors.As(err, &refused):
		return codeOf(refused.Status)
	case errors.As(err, &vanished):
		return codeUnreachable
	case errors.Is(err, context.Canceled):
		return codeInterrupted
	}
	return codeRefused
}

func codeOf(status int) int {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return codeDenied
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return codeUnreachable
	}
	return codeRefused
}

// tell says why a command failed. What the API said is told as it said it.
func (a *app) tell(err error) {
	var refused *client.Problem
	if errors.As(err, &refused) && a.json && refused.Document != nil {
		fmt.Fprintln(a.err, strings.TrimSpace(string(refused.Document)))
		return
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(a.err, a.red("interrupted"))
		return
	}
	text := err.Error()
	switch {
	case errors.Is(err, signin.ErrEnded):
		text += "\nhint: tarn sign-in"
	case refused != nil && refused.Status == http.StatusNotFound && (refused.Code == "no_such_route" || refused.Code == ""):
		text += "\nhint: this server is older than this program, or has no such part"
	}
	fmt.Fprintf(a.err, "%s %s\n", a.red("tarn:"), text)
}

// red is a text in red, where there are colours.
func (a *app) red(text string) string {
	if !a.lively() {
		return text
	}
	return "\x1b[31m" + text + "\x1b[0m"
}
