// Package jsonmatch holds the language of JSON_MATCH: paths into JSON documents,
// conditions over them, their parser, and their evaluation for one document.
// JSON indexes and the functions of queries share it, so that both give the
// same answers. It knows nothing of columns, segments or queries.
//
// # What a condition means
//
// A document stands for the set of its flattened forms: one for each way to
// choose an element of every array in it. In a form a path leads to one value
// at most, and [*] and [2] say which element was chosen. A condition is TRUE
// for a document when it is TRUE for one of its forms: so AND asks for values
// beside each other in one element of an array. NOT and IS NULL ask that no
// form fulfils what they negate.
package jsonmatch

import (
	"fmt"
	"strconv"
	"strings"
)

// AnyElement is the Index of a step to whichever element.
const AnyElement = -1

// Step is one step of a path: to the member Key of an object, or to an element
// of an array.
type Step struct {
	Key   string
	Array bool
	Index int // of an array: the position, or AnyElement
}

// Path leads from the root of a document to a value.
type Path []Step

// maxSteps bounds the length of a path.
const maxSteps = 100

// ParsePath reads a path such as $.a.b[*].c[0]['x y'].
func ParsePath(s string) (Path, error) {
	rest, ok := strings.CutPrefix(s, "$")
	if !ok {
		rest = "." + s // a bare name is a member of the root
	}
	var p Path
	for rest != "" {
		step, left, err := parseStep(rest)
		if err != nil {
			return nil, fmt.Errorf("invalid JSON path %q: %w", s, err)
		}
		p, rest = append(p, step), left
		if len(p) > maxSteps {
			return nil, fmt.Errorf("invalid JSON path %q: more than %d steps", s, maxSteps)
		}
	}
	if len(p) == 0 && s != "$" {
		return nil, fmt.Errorf("invalid JSON path %q", s)
	}
	return p, nil
}

func parseStep(s string) (Step, string, error) {
	switch s[0] {
	case '.':
		return parseName(s[1:])
	case '[':
		return parseBracket(s)
	}
	return Step{}, "", fmt.Errorf("%q is no step: one begins with . or [", s)
}

func parseName(s string) (Step, string, error) {
	end := strings.IndexAny(s, ".[")
	if end < 0 {
		end = len(s)
	}
	if end == 0 {
		return Step{}, "", fmt.Errorf("a name is missing")
	}
	return Step{Key: s[:end]}, s[end:], nil
}

func parseBracket(s string) (Step, string, error) {
	if len(s) > 1 && (s[1] == '\'' || s[1] == '"') {
		return parseQuoted(s)
	}
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return Step{}, "", fmt.Errorf("no ] follows %q", s)
	}
	inner, rest := s[1:end], s[end+1:]
	if inner == "*" {
		return Step{Array: true, Index: AnyElement}, rest, nil
	}
	n, err := strconv.ParseInt(inner, 10, 32)
	if err != nil || n < 0 {
		return Step{}, "", fmt.Errorf("%q is no position in an array", inner)
	}
	return Step{Array: true, Index: int(n)}, rest, nil
}

// parseQuoted reads ['key'] or ["key"].
func parseQuoted(s string) (Step, string, error) {
	end := strings.Index(s[2:], s[1:2]+"]")
	if end < 0 {
		return Step{}, "", fmt.Errorf("no %c] follows %q", s[1], s)
	}
	return Step{Key: s[2 : 2+end]}, s[2+end+2:], nil
}

// String returns the path as it is written.
func (p Path) String() string {
	var b strings.Builder
	b.WriteByte('$')
	for _, s := range p {
		switch {
		case s.Array && s.Index == AnyElement:
			b.WriteString("[*]")
		case s.Array:
			fmt.Fprintf(&b, "[%d]", s.Index)
		case strings.ContainsAny(s.Key, ".[]'\"") || s.Key == "":
			b.WriteString("['" + s.Key + "']")
		default:
			b.WriteString("." + s.Key)
		}
	}
	return b.String()
}

// The bytes that begin a step in a path's key.
const (
	keyMember  = 0x01
	keyElement = 0x02
	keyEscape  = 0x00
)

// AppendMember and AppendElement build keys of paths: texts that are equal when
// the paths are, positions in arrays left out, and of which one begins with the
// other when the paths do.

// AppendMember appends the step to a member.
func AppendMember(key []byte, name []byte) []byte {
	key = append(key, keyMember)
	for _, c := range name {
		if c <= keyElement {
			key = append(key, keyEscape, c+keyElement+1)
			continue
		}
		key = append(key, c)
	}
	return key
}

// AppendElement appends the step to an element of an array.
func AppendElement(key []byte) []byte { return append(key, keyElement) }

// Key returns the key of the path.
func (p Path) Key() string {
	var key []byte
	for _, s := range p {
		if s.Array {
			key = AppendElement(key)
		} else {
			key = AppendMember(key, []byte(s.Key))
		}
	}
	return string(key)
}

// PathOfKey returns the path of a key, for display.
func PathOfKey(key string) Path {
	var p Path
	for i := 0; i < len(key); i++ {
		switch c := key[i]; {
		case c == keyElement:
			p = append(p, Step{Array: true, Index: AnyElement})
		case c == keyMember:
			p = append(p, Step{})
		case len(p) == 0 || p[len(p)-1].Array:
			return p // no key
		case c == keyEscape && i+1 < len(key):
			i++
			p[len(p)-1].Key += string([]byte{key[i] - keyElement - 1})
		default:
			p[len(p)-1].Key += key[i : i+1]
		}
	}
	return p
}

// lastArray returns the number of steps up to and including the last one to an
// element of an array, 0 when there is none.
func (p Path) lastArray() int {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i].Array {
			return i + 1
		}
	}
	return 0
}
