package tabular

import (
	"bytes"
	"encoding/xml"
	"io"
	"strconv"

	"github.com/tarnhq/tarn/shared/fault"
)

// xmlReader reads XML token by token. It keeps no element and no token of more than
// maxRecord bytes, whatever a part unpacks to.
type xmlReader struct {
	decoder *xml.Decoder
	body    io.ReadCloser
	since   int // bytes read since the token began
}

func newXMLReader(body io.ReadCloser) *xmlReader {
	r := &xmlReader{body: body}
	r.decoder = xml.NewDecoder(r)
	r.decoder.Strict = true
	return r
}

func (r *xmlReader) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	if r.since += n; r.since > maxRecord {
		return 0, fault.New(fault.Invalid, "record_too_long", "an element of the workbook has more than 16 MiB")
	}
	return n, err
}

func (r *xmlReader) close() { _ = r.body.Close() } // it was only read

func (r *xmlReader) token() (xml.Token, error) {
	r.since = 0
	return r.decoder.RawToken()
}

// next returns the next element that begins.
func (r *xmlReader) next() (xml.StartElement, error) {
	for {
		t, err := r.token()
		if err != nil {
			return xml.StartElement{}, err
		}
		if e, ok := t.(xml.StartElement); ok {
			return e, nil
		}
	}
}

// text returns the text in an element that has begun, of its parts t: not what says how
// Japanese is read.
func (r *xmlReader) text(end string) ([]byte, error) {
	var text []byte
	within, phonetic := false, false
	for {
		t, err := r.token()
		if err != nil {
			return nil, unexpectedEnd(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			within = t.Name.Local == "t"
			phonetic = phonetic || t.Name.Local == "rPh"
		case xml.EndElement:
			within = false
			switch t.Name.Local {
			case "rPh":
				phonetic = false
			case end:
				return unescaped(text), nil
			}
		case xml.CharData:
			if within && !phonetic {
				text = append(text, t...)
			}
			if len(text) > maxRecord {
				return nil, fault.New(fault.Invalid, "record_too_long", "a text of the workbook has more than 16 MiB")
			}
		}
	}
}

func unexpectedEnd(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// unescaped resolves _x000D_, which is how workbooks write what XML does not hold.
func unescaped(b []byte) []byte {
	if !bytes.Contains(b, []byte("_x")) {
		return b
	}
	var out []byte
	for len(b) > 0 {
		if len(b) >= 7 && b[0] == '_' && b[1] == 'x' && b[6] == '_' {
			if code, err := strconv.ParseUint(string(b[2:6]), 16, 16); err == nil && (code < 0xd800 || code > 0xdfff) {
				out = append(out, string(rune(code))...)
				b = b[7:]
				continue
			}
		}
		out, b = append(out, b[0]), b[1:]
	}
	return out
}
