package fn

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// pinotRow registers a function of the Pinot dialect under one or more names.
func (r *registry) pinotRow(sig string, f rowFunc, others ...string) *Func {
	fn := parseSig(sig)
	fn.Eval = rowwise(fn, f)
	r.inPinot(fn.Name, fn)
	for _, o := range others {
		r.inPinot(o, fn)
	}
	return fn
}

// registerPinot makes the functions that Pinot has beside or unlike
// PostgreSQL's. Times are milliseconds since 1970 as LONG; a TIMESTAMP is
// taken as one.
func registerPinot(r *registry) {
	r.inPinot("/", r.base["/"][indexOf(r.base["/"], schema.Float64)].fn)
	registerPinotBool(r)
	registerPinotText(r)
	registerPinotJSON(r)
	registerPinotTime(r)
	registerPinotFields(r)
	registerPinotMath(r)
	for pinotName, name := range map[string]string{
		"startswith": "starts_with", "arraylength": "cardinality",
		"truncate": "trunc", "pow": "power", "codepoint": "ascii", "regexplike": "regexp_like",
		"splittoarray": "string_to_array",
	} {
		r.pinot[pinotName] = append(r.pinot[pinotName], r.base[name]...)
	}
}

// registerPinotBool lets truth be compared with numbers, as in
// ST_WITHIN(a, b) = 1: Pinot's functions of conditions give 1 and 0.
func registerPinotBool(r *registry) {
	for _, op := range []string{"=", "<>", "!="} {
		list := r.base[op]
		for _, o := range list {
			if len(o.args) == 2 && o.args[0] == schema.Bool && o.args[1] == schema.Bool {
				list = append(slices.Clone(list), overload{[]schema.Type{schema.Bool, schema.Int32}, o.fn}, overload{[]schema.Type{schema.Int32, schema.Bool}, o.fn})
				break
			}
		}
		if list != nil {
			r.pinot[op] = append(r.pinot[op], list...)
		}
	}
}

func indexOf(list []overload, first schema.Type) int {
	for i, o := range list {
		if o.args[0] == first && o.fn.Args[0] == first && len(o.args) == 2 {
			return i
		}
	}
	return 0
}

func registerPinotText(r *registry) {
	r.pinotRow("substr(text,int4) text", func(c *call, i int) error {
		return c.putBytes(substring(c.bytes(0, i), int64(c.i32(1, i))+1, 1<<40))
	})
	r.pinotRow("substr(text,int4,int4) text", func(c *call, i int) error {
		start, end := int64(c.i32(1, i)), int64(c.i32(2, i))
		if end < 0 {
			end = 1 << 40
		}
		return c.putBytes(substring(c.bytes(0, i), start+1, max(end-start, 0)))
	})
	r.pinotRow("strpos(text,text) int4", func(c *call, i int) error { return c.putI32(nthIndex(c.bytes(0, i), c.bytes(1, i), 1)) })
	r.pinotRow("strpos(text,text,int4) int4", func(c *call, i int) error {
		return c.putI32(nthIndex(c.bytes(0, i), c.bytes(1, i), int(c.i32(2, i))))
	})
	r.pinotRow("concat(text,text) text", func(c *call, i int) error {
		return c.putStr(c.str(0, i) + c.str(1, i))
	})
	r.pinotRow("concat(text,text,text) text", func(c *call, i int) error {
		return c.putStr(c.str(0, i) + c.str(2, i) + c.str(1, i))
	})
	r.pinotRow("endswith(text,text) bool", func(c *call, i int) error { return c.putBool(bytes.HasSuffix(c.bytes(0, i), c.bytes(1, i))) }, "ends_with")
	r.pinotRow("contains(text,text) bool", func(c *call, i int) error { return c.putBool(bytes.Contains(c.bytes(0, i), c.bytes(1, i))) })
	r.pinotRow("remove(text,text) text", func(c *call, i int) error {
		return c.putBytes(bytes.ReplaceAll(c.bytes(0, i), c.bytes(1, i), nil))
	})
	r.pinotRow("split(text,text) text[]", func(c *call, i int) error { return c.putTexts(strings.Split(c.str(0, i), c.str(1, i))) })
	r.pinotRow("splitpart(text,text,int4) text", pinotSplitPart, "split_part")
	r.pinotRow("sha256(bytea) text", func(c *call, i int) error {
		s := sha256.Sum256(c.bytes(0, i))
		return c.putStr(hex.EncodeToString(s[:]))
	})
	r.pinotRow("sha512(bytea) text", func(c *call, i int) error {
		s := sha512.Sum512(c.bytes(0, i))
		return c.putStr(hex.EncodeToString(s[:]))
	})
	extract := func(c *call, i int) error {
		re, err := c.regexp(i, "")
		if err != nil {
			return err
		}
		group, missing := 0, ""
		if len(c.args) > 2 {
			group = int(c.i32(2, i))
		}
		if len(c.args) > 3 {
			missing = c.str(3, i)
		}
		m := re.FindSubmatchIndex(c.bytes(0, i))
		if m == nil || 2*group+1 >= len(m) || m[2*group] < 0 {
			return c.putStr(missing)
		}
		return c.putBytes(c.bytes(0, i)[m[2*group]:m[2*group+1]])
	}
	for _, sig := range []string{"(text,text)", "(text,text,int4)", "(text,text,int4,text)"} {
		r.pinotRow("regexpextract"+sig+" text", extract, "regexp_extract")
	}
	r.pinotRow("regexp_replace(text,text,text) text", func(c *call, i int) error {
		re, err := c.regexp(i, "")
		if err != nil {
			return err
		}
		return c.putBytes(re.ReplaceAll(c.bytes(0, i), c.bytes(2, i)))
	}, "regexpreplace")
}

// nthIndex is the position from 0 of the n-th occurrence, -1 when there is none.
func nthIndex(b, part []byte, n int) int32 {
	at := 0
	for ; n > 0; n-- {
		k := bytes.Index(b[at:], part)
		if k < 0 {
			return -1
		}
		at += k
		if n > 1 {
			at++
			if at > len(b) {
				return -1
			}
		}
	}
	return int32(runeCount(b[:at]))
}

func pinotSplitPart(c *call, i int) error {
	parts := strings.Split(c.str(0, i), c.str(1, i))
	n := int(c.i32(2, i))
	if n < 0 {
		n += len(parts)
	}
	if n < 0 || n >= len(parts) {
		return c.putStr("null")
	}
	return c.putStr(parts[n])
}

func registerPinotMath(r *registry) {
	r.pinotRow("rounddecimal(numeric,int4) float8", func(c *call, i int) error {
		d, err := roundDecimal(c.dec(0, i), int(c.i32(1, i)))
		c.putF64(decimalToFloat(d))
		return err
	})
	r.pinotRow("log2(float8) float8", func(c *call, i int) error {
		f, err := logFunc(log2)(c.f64(0, i))
		c.putF64(f)
		return err
	})
	for name, op := range map[string]string{"plus": "+", "add": "+", "minus": "-", "sub": "-", "times": "*", "mult": "*", "divide": "/", "div": "/"} {
		base := r.base[op]
		r.inPinot(name, base[indexOf(base, schema.Float64)].fn)
	}
}

// jsonPathSteps reads '$.a.b[0]'.
var jsonPathSteps = regexp.MustCompile(`\.([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]`)

// pinotPath splits a JSON path into keys and positions.
func pinotPath(path string) []string {
	var out []string
	for _, m := range jsonPathSteps.FindAllStringSubmatch(strings.TrimPrefix(path, "$"), -1) {
		out = append(out, m[1]+m[2]+m[3])
	}
	return out
}

func registerPinotJSON(r *registry) {
	extract := func(c *call, i int) error {
		v := jsonPath(c.bytes(0, i), pinotPath(c.str(1, i)))
		if v == nil || string(v) == "null" {
			if len(c.args) > 3 {
				return c.putBytes(c.bytes(3, i))
			}
			return c.null()
		}
		return c.putJSONText(v)
	}
	for _, t := range []string{"json", "text"} {
		r.pinotRow("jsonextractscalar("+t+",text,text) text", extract, "json_extract_scalar", "jsonextractindex", "json_extract_index")
		r.pinotRow("jsonextractscalar("+t+",text,text,text) text", extract, "json_extract_scalar", "jsonextractindex", "json_extract_index")
	}
	r.pinotRow("jsonformat(any) text stable", func(c *call, i int) error {
		if id := c.args[0].Type.ID; id == schema.TypeText || id == schema.TypeVarchar {
			return c.putBytes(c.bytes(0, i))
		}
		return c.putBytes(appendAsJSON(nil, c.ctx, c.args[0], i))
	}, "json_format")
}

func badPinotUnit(s string) error {
	return sqlerr.New(sqlerr.InvalidParameter, "time unit %q not recognized", s)
}

// pinotUnitMillis is the length of a unit of Pinot's time formats.
func pinotUnitMillis(s string) (num, den int64, ok bool) {
	switch strings.ToUpper(s) {
	case "NANOSECONDS":
		return 1, 1_000_000, true
	case "MICROSECONDS":
		return 1, 1000, true
	case "MILLISECONDS", "MILLISECOND":
		return 1, 1, true
	case "SECONDS", "SECOND":
		return 1000, 1, true
	case "MINUTES", "MINUTE":
		return 60_000, 1, true
	case "HOURS", "HOUR":
		return 3_600_000, 1, true
	case "DAYS", "DAY":
		return 86_400_000, 1, true
	}
	return 0, 0, false
}

// millisAt reads a time argument: a LONG of milliseconds or a timestamp.
func (c *call) millisAt(k, i int) int64 {
	x := c.i64(k, i)
	if id := c.args[k].Type.ID; id == schema.TypeTimestamp || id == schema.TypeTimestampTZ {
		return floorDiv(x, 1000)
	}
	return x
}

// parseJavaDuration reads ISO 8601 durations such as PT1H, as AGO does.
func parseJavaDuration(s string) (millis int64, err error) {
	iv, err := ParseInterval(s)
	if err != nil || iv.Months != 0 {
		return 0, sqlerr.New(sqlerr.InvalidParameter, "invalid duration %q", s)
	}
	return int64(iv.Days)*86_400_000 + iv.Micros/1000, nil
}
