package fn

import (
	"strconv"
	"unicode/utf8"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// registerFormat makes format(): %s, %I, %L, %%, with n$ positions, - and widths.
func registerFormat(r *registry) {
	r.row("format(text,any...) text stable null", formatRow)
}

func formatRow(c *call, i int) error {
	if c.isNull(0, i) {
		return c.null()
	}
	f := formatter{c: c, row: i, s: c.str(0, i)}
	return f.run()
}

// formatter expands one format string.
type formatter struct {
	c    *call
	row  int
	s    string
	next int // the last argument used
}

var errFormatEnd = sqlerr.New(sqlerr.InvalidParameter, "unterminated format() type specifier").
	WithHint(`For a single "%%" use "%%%%".`)

func (f *formatter) run() error {
	for k := 0; k < len(f.s); k++ {
		if f.s[k] != '%' {
			f.c.out.Data = append(f.c.out.Data, f.s[k])
			continue
		}
		n, err := f.spec(f.s[k+1:])
		if err != nil {
			return err
		}
		k += n
	}
	return f.c.endRow()
}

// spec expands the specifier at the beginning of s and returns its length.
func (f *formatter) spec(s string) (int, error) {
	pos, at := 0, 0
	if n, used := leadingInt(s); used > 0 && used < len(s) && s[used] == '$' {
		at, pos = n, used+1
		if n == 0 {
			return 0, sqlerr.New(sqlerr.InvalidParameter, "format specifies argument 0, but arguments are numbered from 1")
		}
	}
	leftAlign := pos < len(s) && s[pos] == '-'
	if leftAlign {
		pos++
	}
	width, used, err := f.width(s[pos:])
	if err != nil {
		return 0, err
	}
	pos += used
	if width < 0 {
		leftAlign, width = true, -width
	}
	if pos >= len(s) {
		return 0, errFormatEnd
	}
	if s[pos] == '%' {
		f.c.out.Data = append(f.c.out.Data, '%')
		return pos + 1, nil
	}
	text, err := f.argument(s[pos:], at)
	if err != nil {
		return 0, err
	}
	f.pad(text, width, leftAlign)
	return pos + 1, nil
}

// width reads a number or *.
func (f *formatter) width(s string) (n, used int, err error) {
	if s == "" || s[0] != '*' {
		n, used = leadingInt(s)
		return n, used, nil
	}
	f.next++
	if f.next >= len(f.c.args) {
		return 0, 0, sqlerr.New(sqlerr.InvalidParameter, "too few arguments for format()")
	}
	n, err = strconv.Atoi(FormatValue(f.c.ctx, f.c.args[f.next].Value(f.row)))
	if err != nil {
		n = 0
	}
	return n, 1, nil
}

func (f *formatter) argument(s string, at int) (string, error) {
	kind, _ := utf8.DecodeRuneInString(s)
	if kind != 's' && kind != 'I' && kind != 'L' {
		return "", sqlerr.New(sqlerr.InvalidParameter, "unrecognized format() type specifier %q", string(kind)).
			WithHint(`For a single "%%" use "%%%%".`)
	}
	if at == 0 {
		at = f.next + 1
	}
	f.next = at
	if at >= len(f.c.args) {
		return "", sqlerr.New(sqlerr.InvalidParameter, "too few arguments for format()")
	}
	null := f.c.isNull(at, f.row)
	text := FormatValue(f.c.ctx, f.c.args[at].Value(f.row))
	switch {
	case kind == 'I' && null:
		return "", sqlerr.New("22004", "null values cannot be formatted as an SQL identifier")
	case kind == 'I':
		return QuoteIdent(text), nil
	case kind == 'L' && null:
		return "NULL", nil
	case kind == 'L':
		return quoteLiteral(text), nil
	}
	return text, nil
}

func (f *formatter) pad(text string, width int, leftAlign bool) {
	missing := min(width, 1<<20) - utf8.RuneCountInString(text)
	if leftAlign {
		f.c.out.Data = append(f.c.out.Data, text...)
	}
	for range missing {
		f.c.out.Data = append(f.c.out.Data, ' ')
	}
	if !leftAlign {
		f.c.out.Data = append(f.c.out.Data, text...)
	}
}

func leadingInt(s string) (n, used int) {
	for used < len(s) && used < 9 && s[used] >= '0' && s[used] <= '9' {
		n = n*10 + int(s[used]-'0')
		used++
	}
	return n, used
}
