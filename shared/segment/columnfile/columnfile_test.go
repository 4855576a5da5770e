package columnfile

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

func TestADictionaryNumbersAsAMapDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOf(rapid.StringN(0, 2, -1)).Draw(t, "texts")
		many := rapid.IntRange(0, 3000).Draw(t, "more") // past several growths
		for i := range many {
			texts = append(texts, fmt.Sprint(i%2500))
		}
		var d, words dictionary
		for range 2 { // the second time on used memory
			d.reset()
			words.reset()
			numbers := map[string]int32{}
			for _, text := range texts {
				want, ok := numbers[text]
				if !ok {
					want = int32(len(numbers))
					numbers[text] = want
				}
				if got := d.addText([]byte(text)); got != want || string(d.entry(int(got))) != text {
					t.Fatalf("%q is number %d, want %d", text, got, want)
				}
				if got := words.addWord(uint64(want) << 40); got != want {
					t.Fatalf("the word %d is number %d", want, got)
				}
			}
			for _, text := range append(texts, "absent", "\xff") {
				if _, want := numbers[text]; d.find([]byte(text)) != want {
					t.Fatalf("find(%q) = %v", text, !want)
				}
			}
		}
	})
}

func FuzzOnlyCanonicalUUIDsAreShort(f *testing.F) {
	f.Add("0f8fad5b-d9cb-469f-a165-70867728950e")
	f.Add("0F8FAD5B-D9CB-469F-A165-70867728950E")
	f.Add("0f8fad5b-d9cb-469f-a165-70867728950é")
	f.Fuzz(func(t *testing.T, text string) {
		id, ok := ParseUUID(text)
		bytes, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
		hyphens := len(text) == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-'
		if want := err == nil && len(bytes) == 16 && hyphens && strings.ToLower(text) == text; ok != want {
			t.Fatalf("ParseUUID(%q) is %v", text, ok)
		}
		if again := string(appendUUID(nil, id[:])); ok && again != text {
			t.Fatalf("%q comes back as %q", text, again)
		}
	})
}

// columns has one column of each form with nulls and one without, of many distinct
// values or of few, so that every encoding is used.
func columns(n, distinct int) []Column {
	var all []Column
	for form := Bool; form <= UUID; form++ {
		for _, optional := range []bool{false, true} {
			c := &rows.Column{Column: dataset.Column{Type: typeOf(form)}}
			for row := range n {
				null := optional && row%3 == 1
				if optional {
					c.Null = append(c.Null, null)
				}
				appendValue(c, form, row%distinct, null)
			}
			all = append(all, Column{Name: fmt.Sprint(form, optional), Form: form, Optional: optional, Bloom: len(all) == 0, Values: c})
		}
	}
	return all
}

func typeOf(form Form) dataset.Type {
	return [...]dataset.Type{dataset.Bool, dataset.Int, dataset.Time, dataset.Int, dataset.Float, dataset.Text, dataset.Text, dataset.Text}[form]
}

func appendValue(c *rows.Column, form Form, i int, null bool) {
	text := ""
	switch form {
	case Bool:
		c.Ints = append(c.Ints, int64(i&1))
	case Int, Time:
		c.Ints = append(c.Ints, int64(i)*math.MaxInt32*1009-math.MaxInt64/2)
	case Date:
		c.Ints = append(c.Ints, int64(i)-100)
	case Float:
		c.Float = append(c.Float, float64(i)/7-1)
	case UUID:
		text = fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i)
	default:
		text = fmt.Sprint("text ", i)
	}
	if form >= Text {
		if !null {
			c.Bytes = append(c.Bytes, text...)
		}
		c.Ends = append(c.Ends, uint32(len(c.Bytes)))
	}
}

func TestEveryFormComesBackInEveryEncoding(t *testing.T) {
	for _, size := range []struct{ rows, distinct int }{{1, 1}, {5, 1}, {1000, 7}, {5000, 5000}, {GroupRows + 10, 60_000}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			all := columns(size.rows, size.distinct)
			order := make([]int32, size.rows)
			for i := range order {
				order[i] = int32(i)
			}
			body, tail := Encode(all, order)
			f, err := Open(body[len(body)-tail:], int64(len(body)))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range all {
				checkColumn(t, f, body, c, size.rows)
			}
		})
	}
}

func checkColumn(t *testing.T, f *File, body []byte, c Column, n int) {
	t.Helper()
	var got rows.Column
	for group := range f.Groups() {
		offset, length, err := f.Range(group, c.Name)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Decode(group, c.Name, c.Form, body[offset:offset+length], &got); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got.Null, c.Values.Null) {
		t.Fatalf("column %s: other nulls", c.Name)
	}
	for row := range n {
		if c.Values.IsNull(row) {
			continue
		}
		if want, got := at(c.Values, c.Form, row), at(&got, c.Form, row); want != got {
			t.Fatalf("column %s, row %d: %v, want %v", c.Name, row, got, want)
		}
	}
}

func at(c *rows.Column, form Form, row int) any {
	switch {
	case form >= Text:
		return string(c.Text(row))
	case form == Float:
		return c.Float[row]
	default:
		return c.Ints[row]
	}
}
