package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// maxDocumentBytes bounds a schema or table-config document.
const maxDocumentBytes = 16 << 20

// document collects what is wrong and what has no effect while a JSON document
// is read, so that all of it is told at once.
type document struct {
	errs     []error
	warnings []string
}

func (d *document) fail(path, format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
}

func (d *document) warn(path, format string, args ...any) {
	d.warnings = append(d.warnings, path+": "+fmt.Sprintf(format, args...))
}

func (d *document) result() ([]string, error) {
	sort.Strings(d.warnings)
	return d.warnings, errors.Join(d.errs...)
}

// object is one JSON object being read. Every key must be taken, ignored or
// refused; the rest is named as unknown by done.
type object struct {
	doc   *document
	path  string // "" for the root
	keys  map[string]any
	taken map[string]bool
}

// parseObject reads the root object of a document.
func (d *document) parseObject(b []byte) (*object, error) {
	if len(b) > maxDocumentBytes {
		return nil, fmt.Errorf("the document is longer than %d bytes", maxDocumentBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, jsonError(b, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("invalid JSON: text follows the document")
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("the document must be a JSON object")
	}
	return d.object("", m), nil
}

// jsonError adds line and column to a syntax error.
func jsonError(b []byte, err error) error {
	var se *json.SyntaxError
	at := len(b)
	switch {
	case errors.As(err, &se):
		at = max(0, min(int(se.Offset)-1, len(b)))
	case !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF):
		return fmt.Errorf("invalid JSON: %w", err)
	}
	line := bytes.Count(b[:at], []byte{'\n'}) + 1
	column := at - bytes.LastIndexByte(b[:at], '\n')
	return fmt.Errorf("invalid JSON at line %d, column %d: %w", line, column, err)
}

func (d *document) object(path string, m map[string]any) *object {
	return &object{doc: d, path: path, keys: m, taken: map[string]bool{}}
}

// at returns the path of a key.
func (o *object) at(key string) string {
	if strings.ContainsAny(key, ".[") {
		key = "[" + strconv.Quote(key) + "]"
		return o.path + key
	}
	if o.path == "" {
		return key
	}
	return o.path + "." + key
}

func (o *object) fail(key, format string, args ...any) { o.doc.fail(o.at(key), format, args...) }
func (o *object) warn(key, format string, args ...any) { o.doc.warn(o.at(key), format, args...) }

// take returns the value of a key; null counts as absent.
func (o *object) take(key string) (any, bool) {
	o.taken[key] = true
	v := o.keys[key]
	return v, v != nil
}

// str reads a text. Numbers and booleans are taken by their spelling, as
// Pinot's own reader does.
func (o *object) str(key string) (string, bool) {
	v, ok := o.take(key)
	if !ok {
		return "", false
	}
	s, ok := scalarText(v)
	if !ok {
		o.fail(key, "must be a string, not %s", jsonKind(v))
	}
	return s, ok
}

func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// boolean reads true or false, also written as text; absent gives def.
func (o *object) boolean(key string, def bool) bool {
	s, ok := o.str(key)
	if !ok {
		return def
	}
	b, err := strconv.ParseBool(strings.ToLower(s))
	if err != nil {
		o.fail(key, "must be true or false, not %q", s)
	}
	return b
}

// integer reads a whole number of at least lo, also written as text.
func (o *object) integer(key string, lo int) (int, bool) {
	s, ok := o.str(key)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < lo {
		o.fail(key, "must be a whole number of at least %d, not %q", lo, s)
		return 0, false
	}
	return n, true
}

// list reads an array.
func (o *object) list(key string) []any {
	v, ok := o.take(key)
	if !ok {
		return nil
	}
	l, ok := v.([]any)
	if !ok {
		o.fail(key, "must be an array, not %s", jsonKind(v))
	}
	return l
}

// names reads an array of non-empty strings without duplicates.
func (o *object) names(key string) []string {
	var out []string
	seen := map[string]bool{}
	for i, v := range o.list(key) {
		s, ok := v.(string)
		switch path := fmt.Sprintf("%s[%d]", key, i); {
		case !ok || s == "":
			o.fail(path, "must be a non-empty string")
		case seen[s]:
			o.fail(path, "%q is named twice", s)
		default:
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// child reads an object; nil when absent.
func (o *object) child(key string) *object {
	v, ok := o.take(key)
	if !ok {
		return nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		o.fail(key, "must be an object, not %s", jsonKind(v))
		return nil
	}
	return o.doc.object(o.at(key), m)
}

// children reads an array of objects.
func (o *object) children(key string) []*object {
	var out []*object
	for i, v := range o.list(key) {
		path := fmt.Sprintf("%s[%d]", o.at(key), i)
		m, ok := v.(map[string]any)
		if !ok {
			o.doc.fail(path, "must be an object, not %s", jsonKind(v))
			continue
		}
		out = append(out, o.doc.object(path, m))
	}
	return out
}

// untaken lists the keys that nobody has read yet.
func (o *object) untaken() []string {
	keys := slices.Sorted(maps.Keys(o.keys))
	return slices.DeleteFunc(keys, func(k string) bool { return o.taken[k] })
}

// ignore names keys that are known and have no effect here.
func (o *object) ignore(keys ...string) {
	for _, k := range keys {
		if _, ok := o.take(k); ok {
			o.warn(k, "has no effect in Alluvium")
		}
	}
}

// silent takes keys that describe and do nothing anywhere.
func (o *object) silent(keys ...string) {
	for _, k := range keys {
		o.taken[k] = true
	}
}

// refuse rejects keys that ask for what does not exist yet. An empty value,
// false, or an object of such values asks for nothing.
func (o *object) refuse(keys ...string) {
	for _, k := range keys {
		if v, ok := o.take(k); ok && !isEmpty(v) {
			o.fail(k, "is not supported yet")
		}
	}
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == "" || strings.EqualFold(v, "NONE") || strings.EqualFold(v, "false")
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, e := range v {
			if !isEmpty(e) {
				return false
			}
		}
		return true
	}
	return false
}

// done names the keys that nobody took.
func (o *object) done() {
	known := slices.Sorted(maps.Keys(o.taken))
	for k := range o.keys {
		if o.taken[k] {
			continue
		}
		if near, ok := nearest(k, known); ok {
			o.warn(k, "unknown key, it has no effect; did you mean %s?", near)
		} else {
			o.warn(k, "unknown key, it has no effect")
		}
	}
}

func jsonKind(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	}
	return "null"
}

// nearest returns the candidate that differs from name in fewest letters, if
// in no more than a third, or that name is the beginning of.
func nearest(name string, candidates []string) (best string, ok bool) {
	limit := min(len(name)/3, 4)
	low := strings.ToLower(name)
	for _, c := range candidates {
		if len(c) > len(name)+limit || len(c) < len(name)-limit || len(name) > 100 {
			continue
		}
		if d := distance(low, strings.ToLower(c)); d <= limit {
			best, limit, ok = c, d-1, true
		}
	}
	for i := 0; i < len(candidates) && !ok && len(name) > 3; i++ {
		if strings.HasPrefix(strings.ToLower(candidates[i]), low) {
			best, ok = candidates[i], true
		}
	}
	return best, ok
}

// distance is the number of single-letter edits between two texts.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			next := diagonal
			if a[i] != b[j] {
				next = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
