// Package jsontext walks valid JSON text without decoding it: a value is a part
// of the text. On invalid text its functions find nothing; they never read
// beyond it. It knows nothing of columns, segments or queries.
package jsontext

import (
	"bytes"
	"encoding/json"
)

// SkipSpace returns the position of the next byte that is no white space.
func SkipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipValue returns the position after the value that begins at i.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return i
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	}
	for i < len(b) && !endsScalar(b[i]) {
		i++
	}
	return i
}

// skipNested returns the position after the object or array that begins at i.
func skipNested(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = skipString(b, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return i
}

func endsScalar(c byte) bool {
	switch c {
	case ',', ']', '}', ' ', '\n', '\t', '\r':
		return true
	}
	return false
}

func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// EachMember calls f for the members of an object, key still in quotes; it
// reports whether b is an object.
func EachMember(b []byte, f func(key, value []byte) (more bool)) bool {
	i := SkipSpace(b, 0)
	if i >= len(b) || b[i] != '{' {
		return false
	}
	i = SkipSpace(b, i+1)
	for i < len(b) && b[i] == '"' {
		end := skipString(b, i)
		key := b[i:end]
		i = SkipSpace(b, SkipSpace(b, end)+1) // the colon
		end = skipValue(b, i)
		if end <= i || !f(key, b[i:end]) {
			return true
		}
		i = SkipSpace(b, end)
		if i >= len(b) || b[i] != ',' {
			return true
		}
		i = SkipSpace(b, i+1)
	}
	return true
}

// EachItem calls f for the elements of an array; it reports whether b is one.
func EachItem(b []byte, f func(value []byte) (more bool)) bool {
	i := SkipSpace(b, 0)
	if i >= len(b) || b[i] != '[' {
		return false
	}
	i = SkipSpace(b, i+1)
	for i < len(b) && b[i] != ']' {
		end := skipValue(b, i)
		if end <= i || !f(b[i:end]) {
			return true
		}
		i = SkipSpace(b, end)
		if i >= len(b) || b[i] != ',' {
			return true
		}
		i = SkipSpace(b, i+1)
	}
	return true
}

// Unquote returns the text of a JSON string in quotes; without escapes it
// shares b.
func Unquote(b []byte) []byte {
	if len(b) < 2 {
		return b
	}
	if bytes.IndexByte(b, '\\') < 0 {
		return b[1 : len(b)-1]
	}
	var s string
	if json.Unmarshal(b, &s) != nil {
		return b[1 : len(b)-1]
	}
	return []byte(s)
}

// Field returns the value of a key of an object, nil when there is none; of
// equal keys the last counts.
func Field(b []byte, key string) []byte {
	var found []byte
	EachMember(b, func(k, v []byte) bool {
		if string(Unquote(k)) == key {
			found = v
		}
		return true
	})
	return found
}

// Element returns element n of an array, from the end when negative; nil when
// there is none.
func Element(b []byte, n int) []byte {
	if n < 0 {
		total := 0
		EachItem(b, func([]byte) bool { total++; return true })
		n += total
	}
	var found []byte
	k := 0
	EachItem(b, func(v []byte) bool {
		if k == n {
			found = v
		}
		k++
		return k <= n
	})
	return found
}

// Scalar returns the text of a string, number, true or false, strings without
// quotes; ok is false for null, objects, arrays and no value.
func Scalar(b []byte) (text []byte, ok bool) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return nil, false
	}
	switch b[0] {
	case '{', '[', 'n':
		return nil, false
	case '"':
		return Unquote(b), true
	}
	return b, true
}
