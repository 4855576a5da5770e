package useragent

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"

func TestATextSaysWhichBrowserAndDevice(t *testing.T) {
	for text, want := range map[string]Agent{
		chrome: {Browser: "Chrome", BrowserVersion: "131.0.0", OS: "Windows", OSVersion: "10", Device: Desktop},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Safari/605.1.15": {
			Browser: "Safari", BrowserVersion: "17.4.1", OS: "Mac OS X", OSVersion: "10.15.7", Device: Desktop},
		"Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0": {Browser: "Firefox", BrowserVersion: "133.0", OS: "Linux", Device: Desktop},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1": {
			Browser: "Mobile Safari", BrowserVersion: "17.4", OS: "iOS", OSVersion: "17.4", Device: Mobile},
		"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1": {
			Browser: "Mobile Safari", BrowserVersion: "16.6", OS: "iOS", OSVersion: "16.6", Device: Tablet},
		"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.6778.39 Mobile Safari/537.36": {
			Browser: "Chrome Mobile", BrowserVersion: "131.0.6778", OS: "Android", OSVersion: "14", Device: Mobile},
		"Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36": {
			Browser: "Chrome", BrowserVersion: "131.0.0", OS: "Android", OSVersion: "13", Device: Tablet},
		"Mozilla/5.0 (SMART-TV; Linux; Tizen 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Version/5.0 TV Safari/537.36": {
			Browser: "Safari", BrowserVersion: "5.0", OS: "Tizen", OSVersion: "5.0", Device: TV},
		"":                    {},
		"nothing of the kind": {},
	} {
		if diff := cmp.Diff(want, Parse(text)); diff != "" {
			t.Errorf("%s: -want +got\n%s", text, diff)
		}
	}
}

func TestBotsAreTold(t *testing.T) {
	for _, text := range []string{
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
		"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
		"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
		"Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
		"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
		"Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1",
	} {
		if got := Parse(text); !got.Bot || got.Device != "" {
			t.Errorf("%s: %+v", text, got)
		}
		if got := Parse(text); !got.Bot {
			t.Errorf("the second time, %s is no bot: %+v", text, got)
		}
	}
	if Parse(chrome).Bot {
		t.Error("a browser is taken for a bot")
	}
}

func TestALongTextIsReadToItsBound(t *testing.T) {
	if got := Parse(chrome + strings.Repeat(" x", 1<<20)); got.Browser != "Chrome" {
		t.Errorf("%+v", got)
	}
	if used := known.Used(); used > remembered {
		t.Errorf("%d bytes are remembered, and %d are allowed", used, remembered)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(chrome)
	f.Add("Mozilla/5.0 (Linux; Android 14")
	f.Fuzz(func(t *testing.T, text string) {
		first := Parse(text)
		if second := Parse(text); first != second {
			t.Errorf("%q is %+v, and then %+v", text, first, second)
		}
		if utf8.ValidString(text) && first.Bot && first.Device != "" {
			t.Errorf("a bot has a device: %+v", first)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.Run("seen before", func(b *testing.B) {
		for b.Loop() {
			Parse(chrome)
		}
	})
	b.Run("new", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			parse(chrome + strconv.Itoa(n)) // the library remembers the last one
		}
	})
}
