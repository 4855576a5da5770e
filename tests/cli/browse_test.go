package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
)

// browse is a browser with one purpose: it opens the sign-in page that it is given, signs
// the server's owner in, and goes where that leads.
func browse() {
	if err := signIn(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "browse:", err)
		os.Exit(1)
	}
}

func signIn(page string) error {
	text, err := os.ReadFile(filepath.Join(os.Getenv("DATA"), "ready.json"))
	if err != nil {
		return err
	}
	var ready struct {
		Owner struct{ Email, Password string }
	}
	if err := json.Unmarshal(text, &ready); err != nil {
		return err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	web := &http.Client{Jar: jar}
	shown, err := web.Get(page)
	if err != nil {
		return err
	}
	shown.Body.Close()
	done, err := web.PostForm(page, url.Values{"email": {ready.Owner.Email}, "password": {ready.Owner.Password}})
	if err != nil {
		return err
	}
	defer done.Body.Close()
	if done.StatusCode != http.StatusOK || done.Request.URL.Hostname() != "127.0.0.1" {
		return fmt.Errorf("%s at %s", done.Status, done.Request.URL.Host)
	}
	return nil
}
