package federation

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// The attributes of a Cognito user, behind "custom:", that hold what a provider said of
// them when they signed in last. They are not the user's own address: that is what an
// administrator invited, and no provider changes it. A pool takes a name of OpenID
// Connect's own, such as "address", for the attribute that it has already.
const (
	AssertedSubject  = "asserted_subject"
	AssertedEmail    = "asserted_email"
	AssertedVerified = "asserted_verified"
	AssertedGroups   = "asserted_groups"
)

// Asserted lists them.
var Asserted = []string{AssertedSubject, AssertedEmail, AssertedVerified, AssertedGroups}

// AssertedBy reads from a Cognito user's attributes whom a provider vouches for who calls
// them by a subject, as the pool knows it. Of a pool that does not mind the case of names,
// that may be written in small letters; the attribute is as the provider writes it.
func AssertedBy(provider, subject string, attributes map[string]string) (Person, error) {
	get := func(name string) string { return attributes["custom:"+name] }
	if exact := get(AssertedSubject); exact != "" {
		if !strings.EqualFold(exact, subject) {
			return Person{}, refused(fmt.Errorf("provider %s speaks of another person than the pool", provider))
		}
		subject = exact
	}
	if subject == "" {
		return Person{}, refused(fmt.Errorf("provider %s names nobody", provider))
	}
	return Person{Issuer: provider, Subject: subject, Email: get(AssertedEmail),
		Verified: strings.EqualFold(get(AssertedVerified), "true"), Groups: listed(get(AssertedGroups))}, nil
}

// listed reads a list as Cognito writes one into an attribute: a value; values in brackets
// with commas, each encoded as in a form; or JSON, where the provider's own was.
func listed(text string) []string {
	text = strings.TrimSpace(text)
	var all []string
	if json.Unmarshal([]byte(text), &all) == nil {
		return all
	}
	inner, opened := strings.CutPrefix(text, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	switch {
	case text == "":
		return nil
	case !opened || !closed:
		return []string{text}
	}
	for value := range strings.SplitSeq(inner, ",") {
		value = strings.TrimSpace(value)
		if decoded, err := url.QueryUnescape(value); err == nil {
			value = decoded
		}
		if value != "" {
			all = append(all, value)
		}
	}
	return all
}
