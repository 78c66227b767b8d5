package fn

import (
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// maxRegexpBytes bounds the text of a pattern.
const maxRegexpBytes = 32 << 10

// regexps keeps compiled patterns; it is emptied when it has grown too large.
var regexps struct {
	sync.Mutex
	m map[string]*compiledRegexp
}

// compiledRegexp is a pattern with the matcher that is quicker for it, nil if
// there is none.
type compiledRegexp struct {
	*regexp.Regexp
	linear *linearRegexp
}

// CompileRegexp compiles PostgreSQL's (ARE) pattern to a Go one; flags are
// those of regexp functions: i, c, n, m, s, p, w, x, q. Back references,
// lookaround and collating elements do not exist in Go's engine and are
// refused by name.
func CompileRegexp(pattern, flags string) (*regexp.Regexp, error) {
	re, err := compileRegexp(pattern, flags)
	if err != nil {
		return nil, err
	}
	return re.Regexp, nil
}

func compileRegexp(pattern, flags string) (*compiledRegexp, error) {
	key := flags + "\x00" + pattern
	regexps.Lock()
	re := regexps.m[key]
	regexps.Unlock()
	if re != nil {
		return re, nil
	}
	if len(pattern) > maxRegexpBytes {
		return nil, sqlerr.New(sqlerr.InvalidRegexp, "invalid regular expression: longer than %d bytes", maxRegexpBytes)
	}
	text, err := translateRegexp(pattern, flags)
	if err != nil {
		return nil, err
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil, sqlerr.New(sqlerr.InvalidRegexp, "invalid regular expression: %s", regexpMessage(err))
	}
	re = &compiledRegexp{compiled, newLinearRegexp(text)}
	regexps.Lock()
	defer regexps.Unlock()
	if regexps.m == nil || len(regexps.m) >= 1000 {
		regexps.m = map[string]*compiledRegexp{}
	}
	regexps.m[key] = re
	return re, nil
}

func regexpMessage(err error) string {
	s := err.Error()
	s = strings.TrimPrefix(s, "error parsing regexp: ")
	return strings.ReplaceAll(s, "`", "\"")
}

// translateRegexp writes a PostgreSQL pattern in Go's syntax. A newline is an
// ordinary character unless a flag says otherwise.
func translateRegexp(pattern, flags string) (string, error) {
	goFlags := "s"
	literal := false
	if rest, ok := strings.CutPrefix(pattern, "***:"); ok {
		pattern = rest
	} else if rest, ok := strings.CutPrefix(pattern, "***="); ok {
		pattern, literal = rest, true
	}
	if strings.HasPrefix(pattern, "(?") {
		if end := strings.IndexByte(pattern, ')'); end > 2 && strings.Trim(pattern[2:end], "bceimnpqstwx") == "" {
			flags += pattern[2:end]
			pattern = pattern[end+1:]
		}
	}
	expanded := false
	for _, f := range flags {
		switch f {
		case 'i':
			goFlags += "i"
		case 'c':
			goFlags = strings.ReplaceAll(goFlags, "i", "")
		case 'n', 'm':
			goFlags = strings.ReplaceAll(goFlags, "s", "") + "m"
		case 'w':
			goFlags += "m"
		case 'p':
			goFlags = strings.ReplaceAll(goFlags, "s", "")
		case 'x':
			expanded = true
		case 'q':
			literal = true
		case 's', 't', 'e', 'b', 'g':
		default:
			return "", sqlerr.New(sqlerr.InvalidParameter, "invalid regular expression option: %q", string(f))
		}
	}
	prefix := ""
	if goFlags != "" {
		prefix = "(?" + goFlags + ")"
	}
	if literal {
		return prefix + regexp.QuoteMeta(pattern), nil
	}
	t := regexpTranslator{in: pattern, expanded: expanded}
	body, err := t.run()
	return prefix + body, err
}

// regexpTranslator copies a pattern and replaces what differs.
type regexpTranslator struct {
	in       string
	pos      int
	out      strings.Builder
	expanded bool
}

func (t *regexpTranslator) run() (string, error) {
	for t.pos < len(t.in) {
		if err := t.next(); err != nil {
			return "", err
		}
	}
	return t.out.String(), nil
}

func (t *regexpTranslator) next() error {
	c := t.in[t.pos]
	switch {
	case c == '\\':
		return t.escape(false)
	case c == '[':
		return t.bracket()
	case strings.HasPrefix(t.in[t.pos:], "(?"):
		return t.group()
	case t.expanded && strings.IndexByte(" \t\r\n", c) >= 0:
		t.pos++
		return nil
	case t.expanded && c == '#':
		for t.pos < len(t.in) && t.in[t.pos] != '\n' {
			t.pos++
		}
		return nil
	case c == '{' && (t.pos+1 == len(t.in) || t.in[t.pos+1] < '0' || t.in[t.pos+1] > '9'):
		t.out.WriteString(`\{`)
		t.pos++
		return nil
	case c == '$':
		t.out.WriteString(`$`)
		t.pos++
		return nil
	}
	t.out.WriteByte(c)
	t.pos++
	return nil
}

// group passes (?: and refuses lookaround.
func (t *regexpTranslator) group() error {
	if strings.HasPrefix(t.in[t.pos:], "(?:") {
		t.out.WriteString("(?:")
		t.pos += 3
		return nil
	}
	for _, look := range []string{"(?=", "(?!", "(?<=", "(?<!"} {
		if strings.HasPrefix(t.in[t.pos:], look) {
			return sqlerr.Unsupported("lookaround " + look + " in a regular expression")
		}
	}
	return sqlerr.New(sqlerr.InvalidRegexp, "invalid regular expression: quantifier operand invalid")
}

// escape translates a backslash sequence, in a bracket expression or outside.
func (t *regexpTranslator) escape(inBracket bool) error {
	if t.pos+1 == len(t.in) {
		return sqlerr.New(sqlerr.InvalidRegexp, `invalid regular expression: invalid escape \ sequence`)
	}
	c := t.in[t.pos+1]
	t.pos += 2
	switch {
	case strings.IndexByte("dDwWsSaftvnr", c) >= 0:
		t.out.WriteString(`\` + string(c))
	case c == 'm':
		t.out.WriteString(`\b`)
	case c == 'M', c == 'y':
		t.out.WriteString(`\b`)
	case c == 'Y':
		t.out.WriteString(`\B`)
	case c == 'A':
		t.out.WriteString(`\A`)
	case c == 'Z':
		t.out.WriteString(`\z`)
	case c == 'B' || c == 'e' && inBracket:
		t.out.WriteString(map[byte]string{'B': `\\`, 'e': `\x1b`}[c])
	case c == 'e':
		t.out.WriteString(`\x1b`)
	case c == 'b':
		t.out.WriteString(`\x08`)
	case c == 'u' || c == 'U' || c == 'x':
		return t.codePoint(c)
	case c >= '1' && c <= '9':
		return sqlerr.Unsupported("a back reference in a regular expression")
	case c == '0':
		t.out.WriteString(`\x00`)
	case c < utf8.RuneSelf && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'):
		return sqlerr.New(sqlerr.InvalidRegexp, `invalid regular expression: invalid escape \ sequence`)
	default:
		t.pos--
		r, n := utf8.DecodeRuneInString(t.in[t.pos:])
		t.pos += n
		t.out.WriteString(regexp.QuoteMeta(string(r)))
		if inBracket && strings.ContainsRune("-^&~", r) && regexp.QuoteMeta(string(r)) == string(r) {
			s := t.out.String()
			t.out.Reset()
			t.out.WriteString(s[:len(s)-1] + `\` + string(r))
		}
	}
	return nil
}

func (t *regexpTranslator) codePoint(c byte) error {
	n := map[byte]int{'u': 4, 'U': 8, 'x': 6}[c]
	end := t.pos
	for end < len(t.in) && end-t.pos < n && strings.IndexByte("0123456789abcdefABCDEF", t.in[end]) >= 0 {
		end++
	}
	if end == t.pos || c != 'x' && end-t.pos != n {
		return sqlerr.New(sqlerr.InvalidRegexp, `invalid regular expression: invalid escape \ sequence`)
	}
	t.out.WriteString(`\x{` + t.in[t.pos:end] + `}`)
	t.pos = end
	return nil
}

// bracket copies [...]: a backslash sequence works in it, [ is literal.
func (t *regexpTranslator) bracket() error {
	if rest := t.in[t.pos:]; strings.HasPrefix(rest, "[[:<:]]") || strings.HasPrefix(rest, "[[:>:]]") {
		t.out.WriteString(`\b`)
		t.pos += 7
		return nil
	}
	t.out.WriteByte('[')
	t.pos++
	if t.pos < len(t.in) && t.in[t.pos] == '^' {
		t.out.WriteByte('^')
		t.pos++
	}
	for first := true; t.pos < len(t.in); first = false {
		c := t.in[t.pos]
		switch {
		case c == ']' && !first:
			t.out.WriteByte(']')
			t.pos++
			return nil
		case c == '\\':
			if err := t.escape(true); err != nil {
				return err
			}
			continue
		case c == '[':
			if err := t.class(); err != nil {
				return err
			}
			continue
		case c == ']':
			t.out.WriteString(`\]`)
		case c == '&' || c == '~':
			t.out.WriteString(`\x` + map[byte]string{'&': "26", '~': "7e"}[c])
		default:
			t.out.WriteByte(c)
		}
		t.pos++
	}
	return sqlerr.New(sqlerr.InvalidRegexp, "invalid regular expression: brackets [] not balanced")
}

// class copies [:name:] inside brackets.
func (t *regexpTranslator) class() error {
	rest := t.in[t.pos:]
	if strings.HasPrefix(rest, "[.") || strings.HasPrefix(rest, "[=") {
		return sqlerr.Unsupported("a collating element in a regular expression")
	}
	if strings.HasPrefix(rest, "[:") {
		if end := strings.Index(rest, ":]"); end > 0 {
			t.out.WriteString(rest[:end+2])
			t.pos += end + 2
			return nil
		}
	}
	t.out.WriteString(`\[`)
	t.pos++
	return nil
}

// registerRegexp makes the operators and functions over regular expressions.
func registerRegexp(r *registry) {
	for _, op := range []struct {
		name, flags string
		not         bool
	}{{"~", "", false}, {"!~", "", true}, {"~*", "i", false}, {"!~*", "i", true}} {
		f := func(c *call, i int) error {
			re, err := c.regexp(i, op.flags)
			if err != nil {
				return err
			}
			return c.putBool(re.Match(c.bytes(0, i)) != op.not)
		}
		r.row(op.name+"(text,text) bool", f)
		r.row(op.name+"(name,text) bool", f)
	}
	r.row("regexp_like(text,text) bool", regexpLike)
	r.row("regexp_like(text,text,text) bool", regexpLike)
	r.row("regexp_replace(text,text,text) text", regexpReplace)
	r.row("regexp_replace(text,text,text,text) text", regexpReplace)
	r.row("regexp_match(text,text) text[]", regexpMatch)
	r.row("regexp_match(text,text,text) text[]", regexpMatch)
	r.row("regexp_count(text,text) int4", regexpCount)
	r.row("regexp_substr(text,text) text", regexpSubstr)
	r.row("substring(text,text) text", regexpSubstring)
	r.row("regexp_split_to_array(text,text) text[]", func(c *call, i int) error {
		re, err := c.regexp(i, "")
		if err != nil {
			return err
		}
		return c.putTexts(splitRegexp(re, c.str(0, i)))
	})
	r.row("similar_to_escape(text) text", func(c *call, i int) error { return similarRow(c, i, `\`) })
	r.row("similar_to_escape(text,text) text", func(c *call, i int) error { return similarRow(c, i, c.str(1, i)) })
	r.set("regexp_matches(text,text) setof (regexp_matches text[])", regexpMatches)
	r.set("regexp_matches(text,text,text) setof (regexp_matches text[])", regexpMatches)
	r.set("regexp_split_to_table(text,text) setof (regexp_split_to_table text)", regexpSplitToTable)
}

// regexp returns the pattern of argument 1, compiled once when it is constant.
func (c *call) regexp(i int, flags string) (*regexp.Regexp, error) {
	return memoize(c, func() (*regexp.Regexp, error) { return CompileRegexp(c.str(1, i), flags) }, 1)
}

// optFlags reads a flags argument and takes g out of it.
func (c *call) optFlags(k, i int) (flags string, global bool) {
	if k >= len(c.args) {
		return "", false
	}
	f := c.str(k, i)
	return strings.ReplaceAll(f, "g", ""), strings.Contains(f, "g")
}

func regexpLike(c *call, i int) error {
	flags, global := c.optFlags(2, i)
	if global {
		return sqlerr.New(sqlerr.InvalidParameter, "regexp_like() does not support the \"global\" option")
	}
	re, err := CompileRegexp(c.str(1, i), flags)
	if err != nil {
		return err
	}
	return c.putBool(re.Match(c.bytes(0, i)))
}

func regexpReplace(c *call, i int) error {
	flags, global := c.optFlags(3, i)
	re, err := compileRegexp(c.str(1, i), flags)
	if err != nil {
		return err
	}
	src, repl := c.bytes(0, i), c.bytes(2, i)
	if re.linear != nil && !global && utf8.Valid(src) {
		return c.replaceLinear(re.linear, src, repl)
	}
	last := 0
	matches := re.FindAllSubmatchIndex(src, limitOf(global))
	for _, m := range matches {
		c.out.Data = append(c.out.Data, src[last:m[0]]...)
		c.out.Data = appendReplacement(c.out.Data, repl, src, m)
		last = m[1]
	}
	c.out.Data = append(c.out.Data, src[last:]...)
	return c.endRow()
}

// replaceLinear replaces the match of a linear pattern, which begins the text.
func (c *call) replaceLinear(re *linearRegexp, src, repl []byte) error {
	var groups [20]int
	m := groups[:min(2*re.groups, len(groups))]
	if 2*re.groups > len(groups) {
		m = make([]int, 2*re.groups)
	}
	if re.find(src, m) {
		c.out.Data = appendReplacement(c.out.Data, repl, src, m)
		src = src[m[1]:]
	}
	c.out.Data = append(c.out.Data, src...)
	return c.endRow()
}

func limitOf(global bool) int {
	if global {
		return -1
	}
	return 1
}

// appendReplacement expands \1 … \9, \& and \\.
func appendReplacement(dst, repl, src []byte, m []int) []byte {
	for k := 0; k < len(repl); k++ {
		if repl[k] != '\\' || k+1 == len(repl) {
			dst = append(dst, repl[k])
			continue
		}
		k++
		switch d := repl[k]; {
		case d >= '1' && d <= '9':
			if g := int(d-'0') * 2; g < len(m) && m[g] >= 0 {
				dst = append(dst, src[m[g]:m[g+1]]...)
			}
		case d == '&':
			dst = append(dst, src[m[0]:m[1]]...)
		case d == '\\':
			dst = append(dst, '\\')
		default:
			dst = append(dst, '\\', d)
		}
	}
	return dst
}

// putTexts appends a text array.
func (c *call) putTexts(list []string) error {
	for _, s := range list {
		c.out.Elems.AppendString(s)
	}
	return c.endList()
}

// endList closes a list row whose elements were appended to c.out.Elems.
func (c *call) endList() error {
	c.out.Offsets = append(c.out.Offsets, uint32(c.out.Elems.N))
	c.out.N++
	return nil
}

// appendGroups appends the groups of a match, or the whole match when the
// pattern has none.
func appendGroups(dst *column.Vector, src []byte, m []int) {
	from := 2
	if len(m) == 2 {
		from = 0
	}
	for k := from; k < len(m); k += 2 {
		if m[k] < 0 {
			dst.AppendNull()
		} else {
			dst.AppendBytes(src[m[k]:m[k+1]])
		}
	}
}

func regexpMatch(c *call, i int) error {
	flags, global := c.optFlags(2, i)
	if global {
		return sqlerr.New(sqlerr.InvalidParameter, "regexp_match() does not support the \"global\" option").
			WithHint("Use the regexp_matches function instead.")
	}
	re, err := CompileRegexp(c.str(1, i), flags)
	if err != nil {
		return err
	}
	m := re.FindSubmatchIndex(c.bytes(0, i))
	if m == nil {
		return c.null()
	}
	appendGroups(c.out.Elems, c.bytes(0, i), m)
	return c.endList()
}

func regexpCount(c *call, i int) error {
	re, err := c.regexp(i, "")
	if err != nil {
		return err
	}
	return c.putI32(int32(len(re.FindAllIndex(c.bytes(0, i), -1))))
}

func regexpSubstr(c *call, i int) error {
	re, err := c.regexp(i, "")
	if err != nil {
		return err
	}
	m := re.FindIndex(c.bytes(0, i))
	if m == nil {
		return c.null()
	}
	return c.putBytes(c.bytes(0, i)[m[0]:m[1]])
}

// regexpSubstring is substring(text from pattern): the first group, or the
// match when there is none.
func regexpSubstring(c *call, i int) error {
	re, err := c.regexp(i, "")
	if err != nil {
		return err
	}
	m := re.FindSubmatchIndex(c.bytes(0, i))
	if m == nil {
		return c.null()
	}
	if len(m) > 2 {
		m = m[2:]
	}
	if m[0] < 0 {
		return c.null()
	}
	return c.putBytes(c.bytes(0, i)[m[0]:m[1]])
}

// splitRegexp cuts s at matches; an empty match at the start or end cuts nothing.
func splitRegexp(re *regexp.Regexp, s string) []string {
	var out []string
	last := 0
	for _, m := range re.FindAllStringIndex(s, -1) {
		if m[1] == m[0] && (m[0] == 0 || m[0] == len(s) || m[0] == last) {
			continue
		}
		out = append(out, s[last:m[0]])
		last = m[1]
	}
	return append(out, s[last:])
}

// similarRow turns a SIMILAR TO pattern into a regular expression.
func similarRow(c *call, i int, escape string) error {
	esc, err := escapeRune(escape)
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("^(?:")
	after, bracket := false, false
	for _, r := range c.str(0, i) {
		switch {
		case after:
			b.WriteString(regexp.QuoteMeta(string(r)))
			after = false
			continue
		case r == esc && esc != 0:
			after = true
			continue
		case bracket:
			bracket = r != ']'
			b.WriteRune(r)
		case r == '%':
			b.WriteString(".*")
		case r == '_':
			b.WriteByte('.')
		case r == '[':
			bracket = true
			b.WriteRune(r)
		case strings.ContainsRune(`.^$\`, r):
			b.WriteString(`\` + string(r))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteString(")$")
	return c.putStr(b.String())
}

func regexpMatches(_ *Context, args []column.Value) (*column.Batch, error) {
	out := column.New(schema.Text.AsList(), 1)
	if anyNullValue(args) {
		return &column.Batch{Cols: []*column.Vector{out}}, nil
	}
	flags, global := "", false
	if len(args) > 2 {
		f := string(args[2].B)
		flags, global = strings.ReplaceAll(f, "g", ""), strings.Contains(f, "g")
	}
	re, err := CompileRegexp(string(args[1].B), flags)
	if err != nil {
		return nil, err
	}
	for _, m := range re.FindAllSubmatchIndex(args[0].B, limitOf(global)) {
		appendGroups(out.Elems, args[0].B, m)
		out.Offsets = append(out.Offsets, uint32(out.Elems.N))
		out.N++
	}
	return &column.Batch{N: out.N, Cols: []*column.Vector{out}}, nil
}

func regexpSplitToTable(_ *Context, args []column.Value) (*column.Batch, error) {
	out := column.New(schema.Text, 1)
	if !anyNullValue(args) {
		re, err := CompileRegexp(string(args[1].B), "")
		if err != nil {
			return nil, err
		}
		for _, s := range splitRegexp(re, string(args[0].B)) {
			out.AppendString(s)
		}
	}
	return &column.Batch{N: out.N, Cols: []*column.Vector{out}}, nil
}

func anyNullValue(args []column.Value) bool {
	for _, a := range args {
		if a.Null {
			return true
		}
	}
	return false
}
