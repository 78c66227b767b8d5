package fn

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// maxTextBytes bounds what one text function may build (repeat, lpad, …).
const maxTextBytes = 64 << 20

var errTextTooLong = sqlerr.New("54000", "requested length too large")

// registerText makes length, case, parts and padding.
func registerText(r *registry) {
	chars := func(c *call, i int) error { return c.putI32(int32(runeCount(c.bytes(0, i)))) }
	for _, name := range []string{"length", "char_length", "character_length"} {
		r.row(name+"(text) int4", chars)
		r.row(name+"(bpchar) int4", func(c *call, i int) error {
			return c.putI32(int32(runeCount(trimBlanks(c.bytes(0, i)))))
		})
	}
	size := func(c *call, i int) error { return c.putI32(int32(len(c.bytes(0, i)))) }
	r.row("length(bytea) int4", size)
	r.row("octet_length(text) int4", size)
	r.row("octet_length(bytea) int4", size)
	r.row("bit_length(text) int4", func(c *call, i int) error { return c.putI32(int32(8 * len(c.bytes(0, i)))) })
	r.row("lower(text) text", func(c *call, i int) error { return c.putMapped(c.bytes(0, i), unicode.ToLower) })
	r.row("upper(text) text", func(c *call, i int) error { return c.putMapped(c.bytes(0, i), unicode.ToUpper) })
	r.row("initcap(text) text", initcap)
	r.row("reverse(text) text", reverse)
	for _, name := range []string{"substring", "substr"} {
		r.row(name+"(text,int4) text", func(c *call, i int) error {
			return c.putBytes(substring(c.bytes(0, i), int64(c.i32(1, i)), 1<<40))
		})
		r.row(name+"(text,int4,int4) text", substring3)
		r.row(name+"(bytea,int4,int4) bytea", substringBytea)
	}
	for _, name := range []string{"strpos", "position"} {
		r.row(name+"(text,text) int4", strpos)
	}
	r.row("left(text,int4) text", left)
	r.row("right(text,int4) text", right)
	registerTrim(r)
	registerPad(r)
	registerConcat(r)
}

// putMapped appends b with each letter mapped; ASCII takes a fast path.
func (c *call) putMapped(b []byte, f func(rune) rune) error {
	dst := c.out.Data
	for len(b) > 0 {
		if b[0] < utf8.RuneSelf {
			dst = append(dst, byte(f(rune(b[0]))))
			b = b[1:]
			continue
		}
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, b[0])
		} else {
			dst = utf8.AppendRune(dst, f(r))
		}
		b = b[n:]
	}
	c.out.Data = dst
	return c.endRow()
}

func initcap(c *call, i int) error {
	inWord := false
	return c.putMapped(c.bytes(0, i), func(r rune) rune {
		start := !inWord
		inWord = unicode.IsLetter(r) || unicode.IsDigit(r)
		if start && inWord {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	})
}

func reverse(c *call, i int) error {
	b := c.bytes(0, i)
	for len(b) > 0 {
		_, n := utf8.DecodeLastRune(b)
		c.out.Data = append(c.out.Data, b[len(b)-n:]...)
		b = b[:len(b)-n]
	}
	return c.endRow()
}

// substring returns count characters from position start, which counts from 1
// and may lie before the text.
func substring(b []byte, start, count int64) []byte {
	end := start + count
	start = max(start, 1)
	if end <= start {
		return nil
	}
	b = b[runePrefix(b, int(min(start-1, int64(len(b))))):]
	return b[:runePrefix(b, int(min(end-start, int64(len(b)))))]
}

func substring3(c *call, i int) error {
	n := c.i32(2, i)
	if n < 0 {
		return sqlerr.New("22011", "negative substring length not allowed")
	}
	return c.putBytes(substring(c.bytes(0, i), int64(c.i32(1, i)), int64(n)))
}

func substringBytea(c *call, i int) error {
	b, start, n := c.bytes(0, i), int64(c.i32(1, i)), int64(c.i32(2, i))
	if n < 0 {
		return sqlerr.New("22011", "negative substring length not allowed")
	}
	from := min(max(start-1, 0), int64(len(b)))
	to := min(max(start-1+n, from), int64(len(b)))
	return c.putBytes(b[from:to])
}

func strpos(c *call, i int) error {
	b := c.bytes(0, i)
	k := bytes.Index(b, c.bytes(1, i))
	if k < 0 {
		return c.putI32(0)
	}
	return c.putI32(int32(runeCount(b[:k])) + 1)
}

func left(c *call, i int) error {
	b, n := c.bytes(0, i), int(c.i32(1, i))
	if n < 0 {
		n = max(runeCount(b)+n, 0)
	}
	return c.putBytes(b[:runePrefix(b, n)])
}

func right(c *call, i int) error {
	b, n := c.bytes(0, i), int(c.i32(1, i))
	total := runeCount(b)
	skip := total - n
	if n < 0 {
		skip = min(-n, total)
	}
	return c.putBytes(b[runePrefix(b, max(skip, 0)):])
}

// registerTrim makes btrim, ltrim and rtrim.
func registerTrim(r *registry) {
	for name, f := range map[string]func([]byte, string) []byte{
		"btrim": bytes.Trim, "trim": bytes.Trim, "ltrim": bytes.TrimLeft, "rtrim": bytes.TrimRight,
	} {
		r.row(name+"(text) text", func(c *call, i int) error { return c.putBytes(f(c.bytes(0, i), " ")) })
		r.row(name+"(text,text) text", func(c *call, i int) error { return c.putBytes(f(c.bytes(0, i), c.str(1, i))) })
	}
}

func registerPad(r *registry) {
	for _, name := range []string{"lpad", "rpad"} {
		onLeft := name == "lpad"
		r.row(name+"(text,int4) text", func(c *call, i int) error { return c.pad(c.bytes(0, i), int(c.i32(1, i)), []byte(" "), onLeft) })
		r.row(name+"(text,int4,text) text", func(c *call, i int) error {
			return c.pad(c.bytes(0, i), int(c.i32(1, i)), c.bytes(2, i), onLeft)
		})
	}
	r.row("repeat(text,int4) text", repeat)
}

// pad fills b with fill to n characters, or cuts it.
func (c *call) pad(b []byte, n int, fill []byte, onLeft bool) error {
	n = max(n, 0)
	if n > maxTextBytes/4 {
		return errTextTooLong
	}
	missing := n - runeCount(b)
	if missing <= 0 || len(fill) == 0 {
		return c.putBytes(b[:runePrefix(b, n)])
	}
	if !onLeft {
		c.out.Data = append(c.out.Data, b...)
	}
	unit := runeCount(fill)
	for ; missing >= unit; missing -= unit {
		c.out.Data = append(c.out.Data, fill...)
	}
	c.out.Data = append(c.out.Data, fill[:runePrefix(fill, missing)]...)
	if onLeft {
		c.out.Data = append(c.out.Data, b...)
	}
	return c.endRow()
}

func repeat(c *call, i int) error {
	b, n := c.bytes(0, i), int(c.i32(1, i))
	if n > 0 && len(b) > maxTextBytes/n {
		return errTextTooLong
	}
	for range n {
		c.out.Data = append(c.out.Data, b...)
	}
	return c.endRow()
}

// registerConcat makes || and the functions that print values of any type.
func registerConcat(r *registry) {
	r.row("||(text,text) text", func(c *call, i int) error {
		c.out.Data = append(append(c.out.Data, c.bytes(0, i)...), c.bytes(1, i)...)
		return c.endRow()
	})
	r.row("||(bytea,bytea) bytea", func(c *call, i int) error {
		c.out.Data = append(append(c.out.Data, c.bytes(0, i)...), c.bytes(1, i)...)
		return c.endRow()
	})
	printed := func(c *call, i int) error {
		c.castArg(0, i)
		c.castArg(1, i)
		return c.endRow()
	}
	r.row("||(text,anynonarray) text stable", printed)
	r.row("||(anynonarray,text) text stable", printed)
	r.row("concat(any...) text stable null", func(c *call, i int) error {
		for k := range c.args {
			c.printArg(k, i)
		}
		return c.endRow()
	})
	r.row("concat_ws(text,any...) text stable null", concatWS)
}

// printArg appends the text of an argument to the result's data; a boolean is
// t or f.
func (c *call) printArg(k, i int) {
	c.out.Data = FormatText(c.out.Data, c.ctx, c.args[k], i)
}

// castArg appends an argument as CAST to text prints it: a boolean is true or
// false.
func (c *call) castArg(k, i int) {
	if v := c.args[k]; v.Kind() == schema.KindBool {
		c.out.Data = strconv.AppendBool(c.out.Data, c.bool(k, i))
		return
	}
	c.printArg(k, i)
}

func concatWS(c *call, i int) error {
	if c.isNull(0, i) {
		return c.null()
	}
	first := true
	for k := 1; k < len(c.args); k++ {
		if c.isNull(k, i) {
			continue
		}
		if !first {
			c.out.Data = append(c.out.Data, c.bytes(0, i)...)
		}
		first = false
		c.printArg(k, i)
	}
	return c.endRow()
}

// registerTextMore makes replacement, splitting, encoding and quoting.
func registerTextMore(r *registry) {
	r.row("replace(text,text,text) text", func(c *call, i int) error {
		from := c.bytes(1, i)
		if len(from) == 0 {
			return c.putBytes(c.bytes(0, i))
		}
		return c.putBytes(bytes.ReplaceAll(c.bytes(0, i), from, c.bytes(2, i)))
	})
	r.row("translate(text,text,text) text", translate)
	r.row("split_part(text,text,int4) text", splitPart)
	r.row("starts_with(text,text) bool", func(c *call, i int) error {
		return c.putBool(bytes.HasPrefix(c.bytes(0, i), c.bytes(1, i)))
	})
	r.alias("starts_with", "^@")
	r.row("ascii(text) int4", ascii)
	r.row("chr(int4) text", chr)
	r.row("md5(text) text", md5Text)
	r.row("md5(bytea) text", md5Text)
	r.row("sha256(bytea) bytea", func(c *call, i int) error {
		s := sha256.Sum256(c.bytes(0, i))
		return c.putBytes(s[:])
	})
	r.row("to_hex(int4) text", func(c *call, i int) error {
		return c.putStr(strconv.FormatUint(uint64(uint32(c.i32(0, i))), 16))
	})
	r.row("to_hex(int8) text", func(c *call, i int) error { return c.putStr(strconv.FormatUint(uint64(c.i64(0, i)), 16)) })
	r.row("encode(bytea,text) text", encode)
	r.row("decode(text,text) bytea", decode)
	r.row("quote_ident(text) text", func(c *call, i int) error { return c.putStr(QuoteIdent(c.str(0, i))) })
	r.row("quote_literal(text) text", func(c *call, i int) error { return c.putStr(quoteLiteral(c.str(0, i))) })
	r.row("quote_literal(any) text stable", func(c *call, i int) error {
		return c.putStr(quoteLiteral(FormatValue(c.ctx, c.args[0].Value(i))))
	})
	r.row("quote_nullable(any) text stable null", func(c *call, i int) error {
		if c.isNull(0, i) {
			return c.putStr("NULL")
		}
		return c.putStr(quoteLiteral(FormatValue(c.ctx, c.args[0].Value(i))))
	})
	r.row("overlay(text,text,int4) text", func(c *call, i int) error {
		return overlay(c, i, int64(runeCount(c.bytes(1, i))))
	})
	r.row("overlay(text,text,int4,int4) text", func(c *call, i int) error { return overlay(c, i, int64(c.i32(3, i))) })
}

func translate(c *call, i int) error {
	from, to := []rune(c.str(1, i)), []rune(c.str(2, i))
	for _, r := range c.str(0, i) {
		k := -1
		for j, f := range from {
			if f == r {
				k = j
				break
			}
		}
		switch {
		case k < 0:
			c.out.Data = utf8.AppendRune(c.out.Data, r)
		case k < len(to):
			c.out.Data = utf8.AppendRune(c.out.Data, to[k])
		}
	}
	return c.endRow()
}

func splitPart(c *call, i int) error {
	s, sep, n := c.bytes(0, i), c.bytes(1, i), int(c.i32(2, i))
	if n == 0 {
		return sqlerr.New(sqlerr.InvalidParameter, "field position must not be zero")
	}
	if len(sep) == 0 {
		if n == 1 || n == -1 {
			return c.putBytes(s)
		}
		return c.putBytes(nil)
	}
	if n < 0 {
		n = bytes.Count(s, sep) + 2 + n
		if n < 1 {
			return c.putBytes(nil)
		}
	}
	for ; n > 1; n-- {
		k := bytes.Index(s, sep)
		if k < 0 {
			return c.putBytes(nil)
		}
		s = s[k+len(sep):]
	}
	if k := bytes.Index(s, sep); k >= 0 {
		s = s[:k]
	}
	return c.putBytes(s)
}

func ascii(c *call, i int) error {
	b := c.bytes(0, i)
	if len(b) == 0 {
		return c.putI32(0)
	}
	r, _ := utf8.DecodeRune(b)
	return c.putI32(r)
}

func chr(c *call, i int) error {
	x := c.i32(0, i)
	switch {
	case x == 0:
		return sqlerr.New("54000", "null character not permitted")
	case x < 0 || x > unicode.MaxRune || !utf8.ValidRune(x):
		return sqlerr.New("54000", "requested character not valid for encoding: %d", x)
	}
	return c.putStr(string(x))
}

func md5Text(c *call, i int) error {
	sum := md5.Sum(c.bytes(0, i))
	c.out.Data = hex.AppendEncode(c.out.Data, sum[:])
	return c.endRow()
}

func encode(c *call, i int) error {
	b := c.bytes(0, i)
	switch strings.ToLower(c.str(1, i)) {
	case "hex":
		c.out.Data = hex.AppendEncode(c.out.Data, b)
		return c.endRow()
	case "base64":
		text := base64.StdEncoding.EncodeToString(b)
		for len(text) > 76 {
			c.out.Data = append(append(c.out.Data, text[:76]...), '\n')
			text = text[76:]
		}
		c.out.Data = append(c.out.Data, text...)
		return c.endRow()
	case "escape":
		return encodeEscape(c, b)
	}
	return sqlerr.New(sqlerr.InvalidParameter, "unrecognized encoding: %q", c.str(1, i))
}

func encodeEscape(c *call, b []byte) error {
	for _, x := range b {
		switch {
		case x == '\\':
			c.out.Data = append(c.out.Data, '\\', '\\')
		case x == 0 || x >= 0x80:
			c.out.Data = append(c.out.Data, '\\', '0'+x>>6, '0'+x>>3&7, '0'+x&7)
		default:
			c.out.Data = append(c.out.Data, x)
		}
	}
	return c.endRow()
}

func decode(c *call, i int) error {
	var out []byte
	var err error
	switch strings.ToLower(c.str(1, i)) {
	case "hex":
		out, err = hex.DecodeString(strings.Join(strings.Fields(c.str(0, i)), ""))
	case "base64":
		out, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(c.str(0, i)), ""))
	case "escape":
		out, err = parseEscapedBytea(c.bytes(0, i))
	default:
		return sqlerr.New(sqlerr.InvalidParameter, "unrecognized encoding: %q", c.str(1, i))
	}
	if err != nil {
		return sqlerr.New(sqlerr.InvalidParameter, "invalid %s data: %w", c.str(1, i), err)
	}
	return c.putBytes(out)
}

func overlay(c *call, i int, n int64) error {
	b, start := c.bytes(0, i), int64(c.i32(2, i))
	if start <= 0 {
		return sqlerr.New("22011", "negative substring length not allowed")
	}
	c.out.Data = append(c.out.Data, substring(b, 1, start-1)...)
	c.out.Data = append(c.out.Data, c.bytes(1, i)...)
	c.out.Data = append(c.out.Data, substring(b, start+n, 1<<40)...)
	return c.endRow()
}

// QuoteIdent writes an identifier so that SQL reads it back: in quotes unless
// it is lower case and no keyword.
func QuoteIdent(s string) string {
	plainIdent := s != "" && !reservedWords[s]
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			plainIdent = false
		}
	}
	if plainIdent {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

func quoteLiteral(s string) string {
	q := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return "E" + strings.ReplaceAll(q, `\`, `\\`)
	}
	return q
}
