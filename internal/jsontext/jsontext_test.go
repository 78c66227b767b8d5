package jsontext

import "testing"

func TestFieldAndElement(t *testing.T) {
	f := func(doc, key, want string) {
		t.Helper()
		if got := string(Field([]byte(doc), key)); got != want {
			t.Errorf("Field(%s, %s) = %s, want %s", doc, key, got, want)
		}
	}
	f(`{"a": 1 , "b":{"a":2}}`, "a", "1")
	f(`{"a": 1 , "b":{"a":2}}`, "b", `{"a":2}`)
	f(`{"a":1,"a":[3]}`, "a", "[3]")
	f(`{"\u0061":"x,}"}`, "a", `"x,}"`)
	f(`[1]`, "a", "")
	f(`{"a"`, "a", "")

	e := func(doc string, n int, want string) {
		t.Helper()
		if got := string(Element([]byte(doc), n)); got != want {
			t.Errorf("Element(%s, %d) = %s, want %s", doc, n, got, want)
		}
	}
	e(`[1, "a]" ,{"x":[]}]`, 1, `"a]"`)
	e(`[1, "a]" ,{"x":[]}]`, -1, `{"x":[]}`)
	e(`[1]`, 1, "")
	e(`{}`, 0, "")
}

func TestScalar(t *testing.T) {
	f := func(in, want string, ok bool) {
		t.Helper()
		got, gotOK := Scalar([]byte(in))
		if string(got) != want || gotOK != ok {
			t.Errorf("Scalar(%s) = %s, %v", in, got, gotOK)
		}
	}
	f(`"a\"b"`, `a"b`, true)
	f(` 1.50 `, "1.50", true)
	f("true", "true", true)
	f("null", "", false)
	f("{}", "", false)
	f("", "", false)
}

// FuzzWalk walks anything; nothing may be read beyond the text.
func FuzzWalk(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"\\"}],"c":null}`), "a", 0)
	f.Add([]byte(`{"a`), "a", -1)
	f.Fuzz(func(_ *testing.T, b []byte, key string, n int) {
		b = b[:len(b):len(b)]
		Scalar(Field(b, key))
		Scalar(Element(b, n))
	})
}
