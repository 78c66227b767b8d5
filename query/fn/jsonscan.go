package fn

import "github.com/alluviumdb/alluvium/internal/jsontext"

// The functions of this package walk JSON text by internal/jsontext, under the
// short names below.

func eachMember(b []byte, f func(key, value []byte) (more bool)) bool {
	return jsontext.EachMember(b, f)
}

func eachItem(b []byte, f func(value []byte) (more bool)) bool { return jsontext.EachItem(b, f) }

func unquoteJSON(b []byte) []byte { return jsontext.Unquote(b) }

func jsonField(b []byte, key string) []byte { return jsontext.Field(b, key) }

func jsonElement(b []byte, n int) []byte { return jsontext.Element(b, n) }
