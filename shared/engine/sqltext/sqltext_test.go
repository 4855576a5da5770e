package sqltext_test

import (
	"testing"

	"github.com/tarnhq/tarn/shared/engine/sqltext"
)

func TestTextsAndNamesCannotEndTheirQuotes(t *testing.T) {
	cases := map[string]string{
		`it's`:          `'it''s'`,
		`\'`:            `'\'''`,
		"a\x00'; --":    `('a' || chr(0) || '''; --')`,
		"\x00":          `('' || chr(0) || '')`,
		`$$ "`:          `'$$ "'`,
		"'; DROP\nx --": "'''; DROP\nx --'",
	}
	for in, want := range cases {
		if got := sqltext.Literal(in); got != want {
			t.Errorf("Literal(%q) = %s, want %s", in, got, want)
		}
	}
	if got := sqltext.Identifier(`a"b`); got != `"a""b"` {
		t.Errorf("got %s", got)
	}
}
