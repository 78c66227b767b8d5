package fn

import (
	"bytes"
	"encoding/json"
)

// The functions of this file walk valid JSON text without decoding it: a value
// is a part of the text. On invalid text they find nothing; they never read
// beyond it.

// skipSpace returns the position of the next byte that is no white space.
func skipSpace(b []byte, i int) int {
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
	for i < len(b) && bytes.IndexByte([]byte(",]} \n\t\r"), b[i]) < 0 {
		i++
	}
	return i
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

// eachMember calls f for the members of an object, key still in quotes; it
// reports whether b is an object.
func eachMember(b []byte, f func(key, value []byte) (more bool)) bool {
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != '{' {
		return false
	}
	i = skipSpace(b, i+1)
	for i < len(b) && b[i] == '"' {
		end := skipString(b, i)
		key := b[i:end]
		i = skipSpace(b, skipSpace(b, end)+1) // the colon
		end = skipValue(b, i)
		if end <= i || !f(key, b[i:end]) {
			return true
		}
		i = skipSpace(b, end)
		if i >= len(b) || b[i] != ',' {
			return true
		}
		i = skipSpace(b, i+1)
	}
	return true
}

// eachItem calls f for the elements of an array; it reports whether b is one.
func eachItem(b []byte, f func(value []byte) (more bool)) bool {
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != '[' {
		return false
	}
	i = skipSpace(b, i+1)
	for i < len(b) && b[i] != ']' {
		end := skipValue(b, i)
		if end <= i || !f(b[i:end]) {
			return true
		}
		i = skipSpace(b, end)
		if i >= len(b) || b[i] != ',' {
			return true
		}
		i = skipSpace(b, i+1)
	}
	return true
}

// unquoteJSON returns the text of a JSON string in quotes; without escapes it
// shares b.
func unquoteJSON(b []byte) []byte {
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

// jsonField returns the value of a key of an object, nil when there is none;
// of equal keys the last counts.
func jsonField(b []byte, key string) []byte {
	var found []byte
	eachMember(b, func(k, v []byte) bool {
		if string(unquoteJSON(k)) == key {
			found = v
		}
		return true
	})
	return found
}

// jsonElement returns element n of an array, from the end when negative; nil
// when there is none.
func jsonElement(b []byte, n int) []byte {
	if n < 0 {
		total := 0
		eachItem(b, func([]byte) bool { total++; return true })
		n += total
	}
	var found []byte
	k := 0
	eachItem(b, func(v []byte) bool {
		if k == n {
			found = v
		}
		k++
		return k <= n
	})
	return found
}
