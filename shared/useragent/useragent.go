// Package useragent says what the text of a User-Agent is: which browser, on which
// system and device, or a bot. It knows what ua-parser's list knows, which many projects
// keep together (https://github.com/ua-parser/uap-core), and guesses nothing else: a bot
// that calls itself a browser is one.
//
// The list is hundreds of expressions, which take three milliseconds for a text that was
// not seen before, and 0.15 s and 13 MB once when the first is. Producers repeat
// themselves, so what they said is remembered. Texts that a stranger may choose are read
// by a Reader, which bounds what a request may cost.
package useragent

import (
	"slices"
	"strings"
	"sync"

	"github.com/ua-parser/uap-go/uaparser"

	"github.com/tarnhq/tarn/shared/lru"
)

// Agent is what a text says. What it does not say is empty.
type Agent struct {
	Browser        string // "Chrome Mobile"
	BrowserVersion string // "131.0.6778"
	OS             string // "Android"
	OSVersion      string // "14"
	Device         string // a kind: Desktop, Mobile, Tablet or TV
	Bot            bool   // it is no person's, and Device is empty
}

// The kinds of devices.
const (
	Desktop = "desktop"
	Mobile  = "mobile"
	Tablet  = "tablet"
	TV      = "tv"
)

// maxText bounds what is read of a text, in bytes: what comes later says nothing, and
// every expression goes over all of it.
const maxText = 512

// remembered is the memory of texts, in bytes: some ten thousand of them.
const remembered = 4 << 20

var known = lru.New[string, Agent](remembered)

var list = sync.OnceValues(func() (*uaparser.Parser, error) {
	return uaparser.New(uaparser.WithCacheSize(1)) // what it parsed is remembered here
})

// Parse returns what a text says. It is safe for concurrent use.
func Parse(text string) Agent {
	text = clean(text)
	if agent, ok := recall(text); ok {
		return agent
	}
	return learn(text)
}

func clean(text string) string { return strings.TrimSpace(text[:min(len(text), maxText)]) }

// recall returns what a clean text says that was seen before.
func recall(text string) (Agent, bool) {
	if text == "" {
		return Agent{}, true
	}
	return known.Get(text)
}

func learn(text string) Agent {
	agent := parse(text)
	known.Put(strings.Clone(text), agent, int64(2*len(text)+len(agent.Browser)+len(agent.OS)+overhead))
	return agent
}

// overhead is what an entry takes beside its texts, in bytes.
const overhead = 256

func parse(text string) Agent {
	parser, err := list()
	if err != nil {
		panic(err) // the list is part of the program
	}
	said := parser.Parse(text)
	agent := Agent{Bot: said.Device.Family == "Spider" || slices.Contains(headless, said.UserAgent.Family)}
	if said.UserAgent.Family != other {
		agent.Browser, agent.BrowserVersion = said.UserAgent.Family, said.UserAgent.ToVersionString()
	}
	if said.Os.Family != other {
		agent.OS, agent.OSVersion = said.Os.Family, said.Os.ToVersionString()
	}
	if !agent.Bot {
		agent.Device = device(text, said.Device.Family, agent.OS)
	}
	return agent
}

// headless are the browsers of the list that nobody sits before.
var headless = []string{"HeadlessChrome", "PhantomJS"}

// other is what the list calls what it does not know.
const other = "Other"

var desktops = map[string]bool{"Windows": true, "Mac OS X": true, "Linux": true, "Ubuntu": true, "Chrome OS": true, "Debian": true, "Fedora": true, "FreeBSD": true, "OpenBSD": true}

// device tells the kind, which the list leaves to its readers. A phone with Android says
// Mobile, and a tablet does not.
func device(text, family, os string) string {
	switch {
	case strings.Contains(os, "TV") || strings.Contains(text, "TV;") || strings.Contains(text, "SmartTV") || strings.Contains(text, "SMART-TV"):
		return TV
	case family == "iPad" || strings.Contains(text, "Tablet") || os == "Android" && !strings.Contains(text, "Mobile"):
		return Tablet
	case os == "Android" || os == "iOS" || strings.Contains(text, "Mobile"):
		return Mobile
	case desktops[os]:
		return Desktop
	}
	return ""
}
