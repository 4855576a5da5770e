package tabular

import (
	"context"
	"io"

	"github.com/tarnhq/tarn/shared/fault"
)

// jsonFile decodes JSON: an array of objects, an object that holds one such array, or
// objects one after the other. Where brackets do not match, the rest of the file is one
// Bad: nobody can say where its records begin.
type jsonFile struct {
	text    *text
	object  objectReader
	within  []byte // what closes the brackets that are open around the records: ']', or "}]"
	begun   bool   // the first value was met
	after   bool   // a value was read, and a comma is due
	records int64
	done    bool
}

func newJSON(t *text, tab *table) decoder {
	return &jsonFile{text: t, object: objectReader{table: tab}}
}

func (j *jsonFile) close() error { return j.text.close() }

func (j *jsonFile) more(ctx context.Context) error {
	for added := 0; added < stepRecords && !j.object.table.crowded(); added++ {
		c, err := j.peek(ctx)
		if err == io.EOF && len(j.within) > 0 && !j.done {
			j.stop("cut_off", "the file ends within its array")
			return nil
		}
		if err != nil {
			return err
		}
		if err := j.step(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// peek returns the next character that is no blank.
func (j *jsonFile) peek(ctx context.Context) (byte, error) {
	for !j.done {
		rest := j.text.rest()
		n := spaces(rest)
		j.text.consume(n)
		if n < len(rest) {
			return rest[n], nil
		}
		if more, err := j.text.fill(ctx); err != nil {
			return 0, err
		} else if !more {
			break
		}
	}
	return 0, io.EOF
}

// step reads what c begins: a bracket around the records, a comma between them, or one.
func (j *jsonFile) step(ctx context.Context, c byte) error {
	within := byte(0)
	if len(j.within) > 0 {
		within = j.within[len(j.within)-1]
	}
	switch {
	case c == '[' && within == 0:
		j.within, j.begun, j.after = append(j.within, ']'), true, false
		j.text.consume(1)
	case c == within && c == ']':
		j.within = j.within[:len(j.within)-1]
		j.text.consume(1)
		if len(j.within) > 0 {
			return j.rest(ctx)
		}
	case c == ',' && within == ']' && j.after:
		j.after = false
		j.text.consume(1)
	case within == ']' && j.after:
		j.stop("bad_json", "a comma or the end of the array was expected")
	case c == '{' && !j.begun:
		j.begun = true
		return j.first(ctx)
	default:
		return j.value(ctx)
	}
	return nil
}

// value reads a record.
func (j *jsonFile) value(ctx context.Context) error {
	n, err := j.frame(ctx)
	if err != nil {
		return err
	}
	if n < 0 {
		j.stop(reasonOf(n))
		return nil
	}
	j.records++
	j.after = true
	record := j.text.rest()[:n]
	if n > maxRecord {
		j.object.reject(j.records, tooLong.code, tooLong.reason, record[:1<<10])
	} else if err := j.object.add(j.records, record); err != nil {
		return err
	}
	j.text.consume(n)
	return nil
}

// frame brings the whole next value into memory and returns its length, unless it has none.
func (j *jsonFile) frame(ctx context.Context) (int, error) {
	for {
		ended := j.text.ended
		n := frame(j.text.rest(), ended)
		if n != unended {
			return n, nil
		}
		more, err := j.text.fill(ctx)
		if err != nil || !more && j.text.ended == ended {
			return unended, err
		}
	}
}

func reasonOf(frame int) (code, reason string) {
	if frame == broken {
		return "bad_json", "brackets do not match: the file cannot be read from here on"
	}
	return "cut_off", "the file ends within a record, or the record has more than 16 MiB"
}

// stop rejects the rest of the file.
func (j *jsonFile) stop(code, reason string) {
	rest := j.text.rest()
	j.records++
	j.object.reject(j.records, code, reason, rest[:min(len(rest), 1<<10)])
	j.done = true
}

// first reads the beginning of an object that the file begins with. If it is all that there
// is and one of its members is an array of objects, these are the records; so they are if
// the object is too long for a record. Else it is a record itself.
func (j *jsonFile) first(ctx context.Context) error {
	n, err := j.frame(ctx)
	if err != nil {
		return err
	}
	if n >= 0 {
		alone, err := j.alone(ctx, n)
		if err != nil {
			return err
		}
		if !alone {
			return j.value(ctx)
		}
	}
	at, arrays := arraysOf(j.text.rest())
	switch {
	case arrays == 0:
		return j.value(ctx)
	case arrays > 1:
		return twoArrays()
	}
	j.within = []byte("}]")
	j.text.consume(at + 1)
	return nil
}

// alone reports whether nothing comes after the value of n bytes that is next.
func (j *jsonFile) alone(ctx context.Context, n int) (bool, error) {
	for {
		rest := j.text.rest()
		if spaces(rest[n:]) < len(rest)-n {
			return false, nil
		}
		if more, err := j.text.fill(ctx); err != nil || !more {
			return !more, err
		}
	}
}

func twoArrays() error {
	return fault.New(fault.Invalid, "several_arrays", "the object holds several arrays of objects, and one can be loaded").
		WithHint("send a file for each of them")
}

// arraysOf finds the arrays of objects among the members of an object, as far as it can be
// read: how many there are and where the first begins.
func arraysOf(b []byte) (first, arrays int) {
	for i := 1; i < len(b); {
		i += spaces(b[i:])
		if i >= len(b) || b[i] != '"' && b[i] != ',' && b[i] != ':' {
			if i < len(b) && b[i] == '[' {
				inner := i + 1 + spaces(b[i+1:])
				if inner < len(b) && b[inner] == '{' {
					if arrays++; arrays == 1 {
						first = i
					}
				}
			}
		}
		if i >= len(b) || b[i] == '}' {
			break
		}
		if b[i] == ',' || b[i] == ':' {
			i++
			continue
		}
		n := frame(b[i:], true)
		if n <= 0 {
			break
		}
		i += n
	}
	return first, arrays
}

// rest passes over the members after the array of records.
func (j *jsonFile) rest(ctx context.Context) error {
	for {
		c, err := j.peek(ctx)
		if err == io.EOF {
			j.stop("cut_off", "the file ends within its object")
			return nil
		}
		if err != nil {
			return err
		}
		if c == '}' {
			j.within = nil
			j.text.consume(1)
			return nil
		}
		if c == ',' || c == ':' {
			j.text.consume(1)
			continue
		}
		n, err := j.frame(ctx)
		if err != nil {
			return err
		}
		if n < 0 {
			j.stop(reasonOf(n))
			return nil
		}
		if value := j.text.rest()[:n]; c == '[' && n > 1 && value[1+spaces(value[1:])] == '{' {
			return twoArrays()
		}
		j.text.consume(n)
	}
}
