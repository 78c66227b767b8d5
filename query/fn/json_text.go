package fn

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

func badJSON(t string) error {
	return sqlerr.New(sqlerr.InvalidText, "invalid input syntax for type %s", t)
}

// parseJSON checks a JSON text and keeps it as it was written.
func parseJSON(s []byte) ([]byte, error) {
	if !json.Valid(s) {
		return nil, badJSON("json").(*sqlerr.Error).WithDetail("The text is not valid JSON: %.60q.", s)
	}
	return bytes.Clone(s), nil
}

// parseJSONB checks a JSON text and writes it in jsonb's canonical form: keys
// by length and bytes, the last of equal keys, one space after : and ,.
func parseJSONB(s []byte) ([]byte, error) {
	v, err := decodeJSON(s)
	if err != nil {
		return nil, badJSON("jsonb").(*sqlerr.Error).WithDetail("The text is not valid JSON: %.60q.", s)
	}
	return appendJSONB(nil, v), nil
}

// member is a key and value of an object, in the order of the text.
type member struct {
	key   string
	value any
}

// object keeps the order and duplicates of its members.
type object []member

var errJSONTrailing = errors.New("text after the JSON value")

// decodeJSON reads a JSON text into nil, bool, json.Number, string, []any and object.
func decodeJSON(s []byte) (any, error) {
	if !json.Valid(s) {
		return nil, errJSONTrailing
	}
	d := json.NewDecoder(bytes.NewReader(s))
	d.UseNumber()
	return decodeNext(d)
}

func decodeNext(d *json.Decoder) (any, error) {
	tok, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch tok {
	case json.Delim('{'):
		return decodeObject(d)
	case json.Delim('['):
		out := []any{}
		for d.More() {
			v, err := decodeNext(d)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		_, err := d.Token()
		return out, err
	}
	return tok, nil
}

func decodeObject(d *json.Decoder) (any, error) {
	out := object{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, io.ErrUnexpectedEOF
		}
		v, err := decodeNext(d)
		if err != nil {
			return nil, err
		}
		out = append(out, member{name, v})
	}
	_, err := d.Token()
	return out, err
}

// appendJSONB prints a decoded value canonically.
func appendJSONB(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case string:
		return appendJSONString(dst, v)
	case json.Number:
		return append(dst, jsonbNumber(v)...)
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendJSONB(dst, e)
		}
		return append(dst, ']')
	case object:
		return appendJSONBObject(dst, v)
	}
	return dst
}

func appendJSONBObject(dst []byte, o object) []byte {
	dst = append(dst, '{')
	for i, m := range canonicalMembers(o) {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendJSONString(dst, m.key)
		dst = append(dst, ": "...)
		dst = appendJSONB(dst, m.value)
	}
	return append(dst, '}')
}

// canonicalMembers sorts by key length and bytes and keeps the last duplicate.
func canonicalMembers(o object) object {
	last := map[string]int{}
	for i, m := range o {
		last[m.key] = i
	}
	out := make(object, 0, len(last))
	for i, m := range o {
		if last[m.key] == i {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b member) int {
		if len(a.key) != len(b.key) {
			return len(a.key) - len(b.key)
		}
		return strings.Compare(a.key, b.key)
	})
	return out
}

// jsonbNumber prints a number as numeric does; one too large for numeric is
// kept as it is.
func jsonbNumber(n json.Number) string {
	d, err := column.ParseDecimal(n.String())
	if err != nil {
		return n.String()
	}
	return d.String()
}

// appendJSONString quotes a string as PostgreSQL does: only what must be
// escaped is.
func appendJSONString(dst []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			if c < 0x20 {
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
				continue
			}
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// castJSONScalar converts a jsonb number or boolean.
func castJSONScalar(c *castArgs) error {
	return c.each(func(i int) error {
		b := c.v.Bytes(i)
		isBool := string(b) == "true" || string(b) == "false"
		isNumber := len(b) > 0 && (b[0] == '-' || b[0] >= '0' && b[0] <= '9')
		if isBool != (c.to.ID == schema.TypeBool) || !isBool && !isNumber {
			return sqlerr.New(sqlerr.InvalidParameter, "cannot cast jsonb %s to type %s", jsonKind(b), plain(c.to))
		}
		v, err := ParseText(c.ctx, b, schema.Numeric)
		if isBool {
			v, err = ParseText(c.ctx, b, schema.Bool)
		}
		if err == nil {
			v, err = CastValue(c.ctx, v, c.to)
		}
		if err != nil {
			return err
		}
		c.out.Append(v)
		return nil
	})
}

// jsonKind names the kind of a JSON text, as json_typeof does.
func jsonKind(b []byte) string {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return "null"
	}
	switch b[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}
