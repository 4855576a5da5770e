package sqlserver

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	mssql "github.com/microsoft/go-mssqldb"

	"github.com/tarnhq/tarn/shared/connector"
)

// text writes a text.
func text(text string) string { return "N'" + strings.ReplaceAll(text, "'", "''") + "'" }

// text returns what writes a value of a type of texts. Those of one byte a letter are
// compared by other rules than those of two, and what they hold is of their collation's
// code page: so a literal is of the column's own type and collation.
func (d declared) text() func(string) string {
	if d.name[0] == 'n' {
		return text
	}
	return func(value string) string {
		return "CAST(" + text(value) + " COLLATE " + d.collation + " AS varchar(8000))"
	}
}

// bytes writes bytes.
func bytes(value string) string { return "0x" + hex.EncodeToString([]byte(value)) }

// id writes an id, whose first parts the protocol has with their last byte first.
func id(value string) string {
	var u mssql.UniqueIdentifier
	if err := u.Scan([]byte(value)); err != nil {
		return "NULL" // the driver's own
	}
	return "CAST('" + u.String() + "' AS uniqueidentifier)"
}

// versionBack is the Back of a rowversion, which counts the changes of a database in eight
// bytes.
func versionBack(at string, w connector.Window) (string, error) {
	back, err := w.Span()
	if err != nil {
		return "", err
	}
	if len(at) != 8 {
		return "", fmt.Errorf("a rowversion of %d bytes", len(at))
	}
	n := binary.BigEndian.Uint64([]byte(at))
	return string(binary.BigEndian.AppendUint64(nil, n-min(n, uint64(back)))), nil // #nosec G115 -- a span is not negative
}
