package fn

import (
	"math"
	"strconv"
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// registerNumberChar makes to_char and to_number over number templates.
func registerNumberChar(r *registry) {
	for _, t := range []string{"int4", "int8", "float4", "float8", "numeric"} {
		r.row("to_char("+t+",text) text", func(c *call, i int) error {
			f, err := memoize(c, func() (*numFormat, error) { return parseNumFormat(c.str(1, i)) }, 1)
			if err != nil {
				return err
			}
			text, neg, err := roundedText(c, i, f)
			if err != nil {
				return err
			}
			return c.putStr(f.print(text, neg))
		})
	}
	r.row("to_number(text,text) numeric", toNumber)
}

// numFormat is a parsed number template.
type numFormat struct {
	tokens    []string // 9 0 . , S MI PL SG PR TH RN or literal text
	ints      int      // digit positions before the point
	fracs     int
	zeroFrom  int // first 0 position before the point, ints when there is none
	lastZero  int // number of fraction digits that FM keeps
	shift     int // digits after V
	fill      bool
	sci       bool
	roman     bool
	sign      string // "", S, MI, SG, PL, PR
	signFirst bool   // S stands before the digits
	point     bool
}

// maxNumDigits bounds the digits of a number template.
const maxNumDigits = 100

var numTokens = []string{"EEEE", "PR", "MI", "PL", "SG", "TH", "RN", "FM", "9", "0", ".", "D", ",", "G", "S", "L", "V"}

func parseNumFormat(s string) (*numFormat, error) {
	f := &numFormat{zeroFrom: -1}
	afterV := false
	for s != "" {
		if s[0] == '"' {
			text, rest := quotedText(s[1:])
			f.tokens = append(f.tokens, text)
			s = rest
			continue
		}
		tok := ""
		for _, t := range numTokens {
			if strings.HasPrefix(strings.ToUpper(s), t) {
				tok = t
				break
			}
		}
		if tok == "" {
			f.tokens = append(f.tokens, "\x00"+s[:1])
			s = s[1:]
			continue
		}
		s = s[len(tok):]
		if err := f.add(tok, &afterV); err != nil {
			return nil, err
		}
	}
	if f.ints+f.fracs > maxNumDigits {
		return nil, sqlerr.New(sqlerr.InvalidParameter, "number template has more than %d digits", maxNumDigits)
	}
	if f.zeroFrom < 0 {
		f.zeroFrom = f.ints
	}
	return f, nil
}

func (f *numFormat) add(tok string, afterV *bool) error {
	switch tok {
	case "FM":
		f.fill = true
		return nil
	case "EEEE":
		f.sci = true
		return nil
	case "RN":
		f.roman = true
	case "9", "0":
		f.digit(tok, *afterV)
	case ".", "D":
		if f.point {
			return sqlerr.New(sqlerr.SyntaxError, "multiple decimal points")
		}
		f.point, tok = true, "."
	case "G":
		tok = ","
	case "V":
		*afterV = true
		return nil
	case "S", "MI", "SG", "PL", "PR":
		if tok == "S" && f.ints+f.fracs == 0 {
			f.signFirst = true
		}
		f.sign = tok
	case "L":
		tok = "\x00 "
	}
	f.tokens = append(f.tokens, tok)
	return nil
}

func (f *numFormat) digit(tok string, afterV bool) {
	if f.point {
		f.fracs++
		if tok == "0" {
			f.lastZero = f.fracs
		}
		return
	}
	if tok == "0" && f.zeroFrom < 0 {
		f.zeroFrom = f.ints
	}
	f.ints++
	if afterV {
		f.shift++
	}
}

// roundedText is the number without sign, with exactly the fraction digits of
// the template.
func roundedText(c *call, i int, f *numFormat) (text string, neg bool, err error) {
	v := c.args[0]
	if v.Kind() == schema.KindFloat32 || v.Kind() == schema.KindFloat64 {
		x := floatAt(v, at(v, i))
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return strings.Repeat("#", f.ints), false, nil
		}
		x *= math.Pow10(f.shift)
		if f.sci {
			return strconv.FormatFloat(math.Abs(x), 'e', f.fracs, 64), x < 0, nil
		}
		return strconv.FormatFloat(math.Abs(x), 'f', f.fracs, 64), x < 0, nil
	}
	d, err := numericOf(c, i)
	if err != nil || d.IsNaN() {
		return strings.Repeat("#", f.ints), false, err
	}
	neg = d.Coef.Hi < 0
	if neg {
		d.Coef = d.Coef.Neg()
	}
	if f.sci {
		return strconv.FormatFloat(decimalToFloat(d), 'e', f.fracs, 64), neg, nil
	}
	if f.shift > 0 {
		if d, err = mulDecimal(d, column.DecimalFromInt64(int64(math.Pow10(f.shift)), 0)); err != nil {
			return "", false, err
		}
	}
	d, err = d.Rescale(uint8(f.fracs))
	if err != nil {
		return "", false, errNumericRange
	}
	return d.String(), neg, nil
}

// print lays a rounded number out.
func (f *numFormat) print(text string, neg bool) string {
	switch {
	case f.roman:
		return f.printRoman(text)
	case f.sci:
		return map[bool]string{true: "-", false: map[bool]string{true: "", false: " "}[f.fill]}[neg] + text
	}
	whole, frac, _ := strings.Cut(text, ".")
	if strings.Trim(text, "0.") == "" {
		neg = false
	}
	whole = strings.TrimLeft(whole, "0")
	if len(whole) > f.ints || strings.HasPrefix(text, "#") {
		whole, frac = strings.Repeat("#", f.ints), strings.Repeat("#", f.fracs)
	}
	if whole == "" && f.zeroFrom == f.ints && (f.fracs == 0 || f.fill && strings.Trim(frac, "0") == "") && f.ints > 0 {
		whole = "0"
	}
	p := numPrinter{f: f, whole: whole, frac: frac, neg: neg, pad: f.ints - len(whole)}
	return p.run()
}

func (f *numFormat) printRoman(text string) string {
	whole, _, _ := strings.Cut(text, ".")
	n, err := strconv.Atoi(whole)
	out := "###############"
	if err == nil && n > 0 && n < 4000 {
		out = roman(n)
	}
	if !f.fill {
		for len(out) < 15 {
			out = " " + out
		}
	}
	return out
}

func roman(n int) string {
	var b strings.Builder
	for _, r := range []struct {
		n int
		s string
	}{{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"},
		{10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}} {
		for n >= r.n {
			b.WriteString(r.s)
			n -= r.n
		}
	}
	return b.String()
}

// numPrinter walks the template with the digits at hand.
type numPrinter struct {
	f           *numFormat
	whole, frac string
	neg         bool
	pad         int // leading positions without a digit
	pos, fpos   int
	started     bool // a digit was printed, and the sign before it
	out         strings.Builder
}

func (p *numPrinter) run() string {
	inFrac := false
	for _, t := range p.f.tokens {
		switch t {
		case "9", "0":
			if inFrac {
				p.fraction()
			} else {
				p.digit()
			}
		case ".":
			p.start()
			p.out.WriteByte('.')
			inFrac = true
		case ",":
			p.comma()
		case "S", "MI", "SG", "PL", "PR":
			p.sign(t)
		case "TH":
			if !p.neg {
				p.out.WriteString(strings.ToLower(ordinal(p.whole)))
			}
		default:
			p.out.WriteString(strings.TrimPrefix(t, "\x00"))
		}
	}
	if p.f.sign == "PR" {
		p.close()
	}
	return p.out.String()
}

// close ends the angle brackets of PR.
func (p *numPrinter) close() {
	switch {
	case p.neg:
		p.out.WriteByte('>')
	case !p.f.fill:
		p.out.WriteByte(' ')
	}
}

// start prints the sign that stands directly before the first digit.
func (p *numPrinter) start() {
	if p.started {
		return
	}
	p.started = true
	switch {
	case p.f.sign == "PR" && p.neg:
		p.out.WriteByte('<')
	case p.f.sign == "S" && p.f.signFirst:
		p.out.WriteByte(map[bool]byte{true: '-', false: '+'}[p.neg])
	case p.f.sign == "S" || p.f.sign == "MI" || p.f.sign == "SG":
	case p.f.sign == "PL" && !p.neg:
		if !p.f.fill {
			p.out.WriteByte(' ')
		}
	case p.neg && p.f.sign != "PL":
		p.out.WriteByte('-')
	case p.neg:
		p.out.WriteByte('-')
	case !p.f.fill:
		p.out.WriteByte(' ')
	}
}

func (p *numPrinter) digit() {
	k := p.pos
	p.pos++
	switch {
	case k >= p.pad:
		p.start()
		p.out.WriteByte(p.whole[k-p.pad])
	case k >= p.f.zeroFrom:
		p.start()
		p.out.WriteByte('0')
	case !p.f.fill:
		p.out.WriteByte(' ')
	}
}

func (p *numPrinter) fraction() {
	k := p.fpos
	p.fpos++
	if k >= len(p.frac) {
		return
	}
	if p.f.fill && k >= p.f.lastZero && strings.Trim(p.frac[k:], "0") == "" {
		return
	}
	p.out.WriteByte(p.frac[k])
}

func (p *numPrinter) comma() {
	switch {
	case p.started:
		p.out.WriteByte(',')
	case !p.f.fill:
		p.out.WriteByte(' ')
	}
}

func (p *numPrinter) sign(t string) {
	switch t {
	case "S":
		if !p.f.signFirst {
			p.out.WriteByte(map[bool]byte{true: '-', false: '+'}[p.neg])
		}
	case "SG":
		p.out.WriteByte(map[bool]byte{true: '-', false: '+'}[p.neg])
	case "MI":
		if p.neg {
			p.out.WriteByte('-')
		} else if !p.f.fill {
			p.out.WriteByte(' ')
		}
	case "PL":
		if !p.neg {
			p.out.WriteByte('+')
		} else if !p.f.fill {
			p.out.WriteByte(' ')
		}
	}
}

// toNumber reads what a template describes: its digits, point and sign.
func toNumber(c *call, i int) error {
	s := c.str(0, i)
	f, err := parseNumFormat(c.str(1, i))
	if err != nil {
		return err
	}
	var b strings.Builder
	neg := strings.Contains(s, "-") || f.sign == "PR" && strings.Contains(s, "<")
	point := false
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '.' && f.point && !point:
			point = true
			b.WriteRune(r)
		}
	}
	text := b.String()
	if strings.Trim(text, ".") == "" {
		return sqlerr.New(sqlerr.InvalidText, "invalid input syntax for type numeric: %q", s)
	}
	d, err := column.ParseDecimal(text)
	if err != nil {
		return errNumericRange
	}
	if neg {
		d.Coef = d.Coef.Neg()
	}
	return c.putDec(d)
}
