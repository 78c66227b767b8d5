package fn

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// registerJSON makes the operators and functions over json and jsonb.
func registerJSON(r *registry) {
	for _, t := range []string{"json", "jsonb"} {
		r.row("->("+t+",text) "+t, func(c *call, i int) error { return c.putJSON(jsonField(c.bytes(0, i), c.str(1, i))) })
		r.row("->("+t+",int4) "+t, func(c *call, i int) error { return c.putJSON(jsonElement(c.bytes(0, i), int(c.i32(1, i)))) })
		r.row("->>("+t+",text) text", func(c *call, i int) error { return c.putJSONText(jsonField(c.bytes(0, i), c.str(1, i))) })
		r.row("->>("+t+",int4) text", func(c *call, i int) error {
			return c.putJSONText(jsonElement(c.bytes(0, i), int(c.i32(1, i))))
		})
		r.row("#>("+t+",text[]) "+t, func(c *call, i int) error { return c.putJSON(jsonPath(c.bytes(0, i), c.listTexts(1, i))) })
		r.row("#>>("+t+",text[]) text", func(c *call, i int) error {
			return c.putJSONText(jsonPath(c.bytes(0, i), c.listTexts(1, i)))
		})
		r.row(t+"_extract_path("+t+",text...) "+t, func(c *call, i int) error { return c.putJSON(jsonPath(c.bytes(0, i), c.texts(1, i))) })
		r.row(t+"_extract_path_text("+t+",text...) text", func(c *call, i int) error {
			return c.putJSONText(jsonPath(c.bytes(0, i), c.texts(1, i)))
		})
		r.row(t+"_typeof("+t+") text", func(c *call, i int) error { return c.putStr(jsonKind(c.bytes(0, i))) })
		r.row(t+"_array_length("+t+") int4", jsonArrayLength)
		r.row(t+"_build_object(any...) "+t+" stable null", jsonBuildObject)
		r.row(t+"_build_array(any...) "+t+" stable null", jsonBuildArray)
		r.row("to_"+t+"(any) "+t+" stable", func(c *call, i int) error {
			return c.putBuilt(appendAsJSON(nil, c.ctx, c.args[0], i))
		})
		registerJSONSets(r, t)
	}
	r.row("array_to_json(anyarray) json stable", func(c *call, i int) error {
		return c.putBuilt(appendAsJSON(nil, c.ctx, c.args[0], i))
	})
	r.row("@>(jsonb,jsonb) bool", func(c *call, i int) error { return containsRow(c, c.bytes(0, i), c.bytes(1, i)) })
	r.row("<@(jsonb,jsonb) bool", func(c *call, i int) error { return containsRow(c, c.bytes(1, i), c.bytes(0, i)) })
	r.row("?(jsonb,text) bool", func(c *call, i int) error { return c.putBool(jsonHas(c.bytes(0, i), c.str(1, i))) })
	r.row("jsonb_exists(jsonb,text) bool", func(c *call, i int) error { return c.putBool(jsonHas(c.bytes(0, i), c.str(1, i))) })
}

// putJSON appends a part of a JSON text, NULL for nil.
func (c *call) putJSON(b []byte) error {
	if b == nil {
		return c.null()
	}
	return c.putBytes(b)
}

// putJSONText appends a value as text: strings without quotes, null as NULL.
func (c *call) putJSONText(b []byte) error {
	switch {
	case b == nil || string(b) == "null":
		return c.null()
	case b[0] == '"':
		return c.putBytes(unquoteJSON(b))
	}
	return c.putBytes(b)
}

// putBuilt appends a JSON text that was built, in canonical form for jsonb.
func (c *call) putBuilt(b []byte) error {
	if c.out.Type.ID == schema.TypeJSONB {
		var err error
		if b, err = parseJSONB(b); err != nil {
			return err
		}
	}
	return c.putBytes(b)
}

func (c *call) listTexts(k, i int) []string {
	l := c.list(k, i)
	out := make([]string, l.N)
	for j := range out {
		out[j] = string(l.Bytes(j))
	}
	return out
}

// texts returns the text arguments from k on.
func (c *call) texts(k, i int) []string {
	var out []string
	for ; k < len(c.args); k++ {
		out = append(out, c.str(k, i))
	}
	return out
}

// jsonPath follows keys and array positions; nil when a step leads nowhere.
func jsonPath(b []byte, path []string) []byte {
	for _, step := range path {
		b = bytes.TrimSpace(b)
		if len(b) == 0 {
			return nil
		}
		switch b[0] {
		case '{':
			b = jsonField(b, step)
		case '[':
			n, err := strconv.Atoi(strings.TrimSpace(step))
			if err != nil {
				return nil
			}
			b = jsonElement(b, n)
		default:
			return nil
		}
	}
	return b
}

func jsonArrayLength(c *call, i int) error {
	n := int32(0)
	if !eachItem(c.bytes(0, i), func([]byte) bool { n++; return true }) {
		if jsonKind(c.bytes(0, i)) == "object" {
			return sqlerr.New(sqlerr.InvalidParameter, "cannot get array length of a non-array")
		}
		return sqlerr.New(sqlerr.InvalidParameter, "cannot get array length of a scalar")
	}
	return c.putI32(n)
}

func jsonBuildObject(c *call, i int) error {
	if len(c.args)%2 != 0 {
		return sqlerr.New(sqlerr.InvalidParameter, "argument list must have even number of elements").
			WithHint("The arguments of json_build_object() must consist of alternating keys and values.")
	}
	b := []byte{'{'}
	for k := 0; k < len(c.args); k += 2 {
		if c.isNull(k, i) {
			return sqlerr.New(sqlerr.InvalidParameter, "argument %d cannot be null", k+1)
		}
		if k > 0 {
			b = append(b, ", "...)
		}
		b = appendJSONString(b, FormatValue(c.ctx, c.args[k].Value(i)))
		b = append(b, " : "...)
		b = appendAsJSON(b, c.ctx, c.args[k+1], i)
	}
	return c.putBuilt(append(b, '}'))
}

func jsonBuildArray(c *call, i int) error {
	b := []byte{'['}
	for k, a := range c.args {
		if k > 0 {
			b = append(b, ", "...)
		}
		b = appendAsJSON(b, c.ctx, a, i)
	}
	return c.putBuilt(append(b, ']'))
}

// appendAsJSON prints row i of a vector as JSON.
func appendAsJSON(dst []byte, ctx *Context, v *column.Vector, i int) []byte {
	if v.IsNull(i) {
		return append(dst, "null"...)
	}
	if v.Kind() == schema.KindList {
		return appendListAsJSON(dst, ctx, v, i)
	}
	switch v.Type.ID {
	case schema.TypeJSON, schema.TypeJSONB:
		return append(dst, v.Bytes(i)...)
	case schema.TypeBool:
		return strconv.AppendBool(dst, v.Value(i).I != 0)
	case schema.TypeInt16, schema.TypeInt32, schema.TypeInt64, schema.TypeFloat32, schema.TypeFloat64, schema.TypeNumeric:
		text := FormatText(nil, ctx, v, i)
		if c := text[len(text)-1]; c < '0' || c > '9' { // NaN, Infinity
			return appendJSONString(dst, string(text))
		}
		return append(dst, text...)
	case schema.TypeTimestamp, schema.TypeTimestampTZ:
		return appendJSONTime(dst, FormatText(nil, ctx, v, i))
	}
	return appendJSONString(dst, string(FormatText(nil, ctx, v, i)))
}

func appendListAsJSON(dst []byte, ctx *Context, v *column.Vector, i int) []byte {
	i = at(v, i)
	dst = append(dst, '[')
	for k := int(v.Offsets[i]); k < int(v.Offsets[i+1]); k++ {
		if k > int(v.Offsets[i]) {
			dst = append(dst, ',')
		}
		dst = appendAsJSON(dst, ctx, v.Elems, k)
	}
	return append(dst, ']')
}

// appendJSONTime writes a timestamp with T and a zone of hours and minutes.
func appendJSONTime(dst, text []byte) []byte {
	s := strings.Replace(string(text), " ", "T", 1)
	if n := len(s); n > 3 && (s[n-3] == '+' || s[n-3] == '-') && strings.Contains(s, ":") {
		s += ":00"
	}
	return appendJSONString(dst, s)
}

func containsRow(c *call, whole, part []byte) error {
	a, err := decodeJSON(whole)
	if err != nil {
		return badJSON("jsonb")
	}
	b, err := decodeJSON(part)
	if err != nil {
		return badJSON("jsonb")
	}
	_, isArray := a.([]any)
	if _, partArray := b.([]any); isArray && !partArray {
		if _, isObject := b.(object); !isObject {
			b = []any{b}
		}
	}
	return c.putBool(jsonContains(a, b))
}

// jsonContains is jsonb's containment.
func jsonContains(a, b any) bool {
	switch b := b.(type) {
	case object:
		o, ok := a.(object)
		if !ok {
			return false
		}
		for _, m := range b {
			if v, found := o.get(m.key); !found || !jsonContains(v, m.value) {
				return false
			}
		}
		return true
	case []any:
		l, ok := a.([]any)
		if !ok {
			return false
		}
		for _, x := range b {
			if !anyContains(l, x) {
				return false
			}
		}
		return true
	}
	return string(appendJSONB(nil, a)) == string(appendJSONB(nil, b))
}

func anyContains(l []any, x any) bool {
	for _, e := range l {
		if jsonContains(e, x) {
			return true
		}
	}
	return false
}

func (o object) get(key string) (any, bool) {
	for _, m := range o {
		if m.key == key {
			return m.value, true
		}
	}
	return nil, false
}

func jsonHas(b []byte, key string) bool {
	if jsonField(b, key) != nil {
		return true
	}
	found := false
	eachItem(b, func(v []byte) bool {
		found = v[0] == '"' && string(unquoteJSON(v)) == key
		return !found
	})
	if found {
		return true
	}
	b = bytes.TrimSpace(b)
	return len(b) > 0 && b[0] == '"' && string(unquoteJSON(b)) == key
}

// registerJSONSets makes the functions that give a row per member or element.
func registerJSONSets(r *registry, t string) {
	typ := mustType(t)
	items := func(asText bool, out schema.Type) setFunc {
		return func(_ *Context, args []column.Value) (*column.Batch, error) {
			v := column.New(out, 0)
			if !args[0].Null && !eachItem(args[0].B, func(b []byte) bool { appendItem(v, b, asText); return true }) {
				return nil, sqlerr.New(sqlerr.InvalidParameter, "cannot extract elements from %s", article(jsonKind(args[0].B)))
			}
			return oneColumn(v), nil
		}
	}
	r.set(t+"_array_elements("+t+") setof (value "+t+")", items(false, typ))
	r.set(t+"_array_elements_text("+t+") setof (value text)", items(true, schema.Text))
	members := func(asText bool, out schema.Type) setFunc {
		return func(_ *Context, args []column.Value) (*column.Batch, error) {
			keys, vals := column.New(schema.Text, 0), column.New(out, 0)
			if args[0].Null {
				return &column.Batch{Cols: []*column.Vector{keys, vals}}, nil
			}
			ok := eachMember(args[0].B, func(k, b []byte) bool {
				keys.AppendBytes(unquoteJSON(k))
				appendItem(vals, b, asText)
				return true
			})
			if !ok {
				return nil, sqlerr.New(sqlerr.InvalidParameter, "cannot deconstruct %s", article(jsonKind(args[0].B)))
			}
			return &column.Batch{N: keys.N, Cols: []*column.Vector{keys, vals}}, nil
		}
	}
	r.set(t+"_each("+t+") setof (key text, value "+t+")", members(false, typ))
	r.set(t+"_each_text("+t+") setof (key text, value text)", members(true, schema.Text))
	r.set(t+"_object_keys("+t+") setof ("+t+"_object_keys text)", func(ctx *Context, args []column.Value) (*column.Batch, error) {
		b, err := members(true, schema.Text)(ctx, args)
		if err != nil {
			return nil, err
		}
		keys := column.New(schema.Text, b.N)
		kernel.Concat(keys, b.Cols[0])
		return oneColumn(keys), nil
	})
}

func article(kind string) string {
	switch kind {
	case "object":
		return "an object"
	case "array":
		return "an array"
	}
	return "a scalar"
}

func appendItem(v *column.Vector, b []byte, asText bool) {
	switch {
	case !asText:
		v.AppendBytes(b)
	case string(b) == "null":
		v.AppendNull()
	case b[0] == '"':
		v.AppendBytes(unquoteJSON(b))
	default:
		v.AppendBytes(b)
	}
}
