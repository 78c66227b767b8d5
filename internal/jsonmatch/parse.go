package jsonmatch

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// The limits of a condition.
const (
	maxCondBytes = 1 << 20
	maxTests     = 64 // a flattened form's answers fit one word
	maxNesting   = 200
)

// Parse reads the condition of a JSON_MATCH:
//
//	condition  = "path" test | REGEXP_LIKE("path", 'pattern' [, 'i']) |
//	             condition AND|OR condition | NOT condition | (condition)
//	test       = =|<>|!=|<|<=|>|>= literal | [NOT] IN (literal, …) |
//	             [NOT] BETWEEN literal AND literal | [NOT] LIKE 'pattern' |
//	             IS [NOT] NULL
//	literal    = 'text' | number | TRUE | FALSE
//
// = and IN compare the text of a value with that of the literal, so that 1 and
// '1' mean the same. Negated tests (<>, NOT IN, …) hold where the path leads to
// a value that does not pass.
func Parse(s string) (*Cond, error) {
	if len(s) > maxCondBytes {
		return nil, fmt.Errorf("the condition is longer than %d bytes", maxCondBytes)
	}
	p := parser{lex: lexer{s: s}}
	c, err := p.parse()
	if err != nil {
		return nil, err
	}
	n := 0
	c.Tests(func(t *Cond) { t.atom = n; n++ })
	if n > maxTests {
		return nil, fmt.Errorf("the condition has more than %d tests", maxTests)
	}
	return c, nil
}

// parser is a recursive-descent parser with one token of lookahead.
type parser struct {
	lex   lexer
	tok   token
	depth int
}

func (p *parser) parse() (*Cond, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	c, err := p.or()
	if err == nil && p.tok.kind != tokenEnd {
		err = p.unexpected("AND, OR or the end")
	}
	return c, err
}

func (p *parser) advance() (err error) {
	p.tok, err = p.lex.next()
	return err
}

func (p *parser) unexpected(want string) error {
	return fmt.Errorf("expected %s at position %d, found %v", want, p.tok.pos+1, p.tok)
}

// accept takes a keyword or sign if it is next.
func (p *parser) accept(word string) (bool, error) {
	if !p.tok.is(word) {
		return false, nil
	}
	return true, p.advance()
}

func (p *parser) expect(word string) error {
	ok, err := p.accept(word)
	if err == nil && !ok {
		err = p.unexpected(word)
	}
	return err
}

func (p *parser) or() (*Cond, error)  { return p.list("OR", OpOr, p.and) }
func (p *parser) and() (*Cond, error) { return p.list("AND", OpAnd, p.not) }

// list reads one or more conditions between which a word stands.
func (p *parser) list(word string, op Op, part func() (*Cond, error)) (*Cond, error) {
	first, err := part()
	if err != nil {
		return nil, err
	}
	args := []*Cond{first}
	for {
		more, err := p.accept(word)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		c, err := part()
		if err != nil {
			return nil, err
		}
		args = append(args, c)
	}
	if len(args) == 1 {
		return first, nil
	}
	return &Cond{Op: op, Args: args}, nil
}

func (p *parser) not() (*Cond, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxNesting {
		return nil, errors.New("the condition is nested too deeply")
	}
	neg, err := p.accept("NOT")
	if err != nil {
		return nil, err
	}
	if neg {
		c, err := p.not()
		return not(c), err
	}
	open, err := p.accept("(")
	switch {
	case err != nil:
		return nil, err
	case !open:
		return p.test()
	}
	c, err := p.or()
	if err == nil {
		err = p.expect(")")
	}
	return c, err
}

func not(c *Cond) *Cond { return &Cond{Op: OpNot, Args: []*Cond{c}} }

func (p *parser) test() (*Cond, error) {
	if p.tok.is("REGEXP_LIKE") {
		return p.regexpLike()
	}
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	if p.tok.is("IS") {
		return p.isNull(path)
	}
	neg, err := p.accept("NOT")
	if err != nil {
		return nil, err
	}
	t, err := p.pathTest(neg)
	return &Cond{Path: path, Test: t}, err
}

func (p *parser) path() (Path, error) {
	if p.tok.kind != tokenPath && p.tok.kind != tokenWord {
		return nil, p.unexpected("a path in double quotes")
	}
	path, err := ParsePath(p.tok.text)
	if err == nil {
		err = p.advance()
	}
	return path, err
}

func (p *parser) isNull(path Path) (*Cond, error) {
	if err := p.expect("IS"); err != nil {
		return nil, err
	}
	neg, err := p.accept("NOT")
	if err == nil {
		err = p.expect("NULL")
	}
	c := &Cond{Path: path, Test: Exists{}}
	if !neg {
		c = not(c)
	}
	return c, err
}

// pathTest reads what follows a path; neg tells that NOT came before.
func (p *parser) pathTest(neg bool) (Test, error) {
	word := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	switch {
	case word.is("IN"):
		return p.in(neg)
	case word.is("BETWEEN"):
		return p.between(neg)
	case word.is("LIKE"):
		return p.like(neg)
	case neg:
		p.tok = word
		return nil, p.unexpected("IN, BETWEEN or LIKE")
	case word.kind == tokenSign:
		return p.comparison(word)
	}
	p.tok = word
	return nil, p.unexpected("a comparison")
}

func (p *parser) comparison(op token) (Test, error) {
	b, err := p.literal()
	if err != nil {
		return nil, err
	}
	switch op.text {
	case "=":
		return &Equals{Values: map[string]bool{b.Text: true}}, nil
	case "<>", "!=":
		return &Equals{Values: map[string]bool{b.Text: true}, Not: true}, nil
	case "<":
		return &Range{Hi: b, HiOpen: true}, nil
	case "<=":
		return &Range{Hi: b}, nil
	case ">":
		return &Range{Lo: b, LoOpen: true}, nil
	case ">=":
		return &Range{Lo: b}, nil
	}
	p.tok = op
	return nil, p.unexpected("a comparison")
}

// literal reads a text, number or boolean.
func (p *parser) literal() (*Bound, error) {
	b := &Bound{Text: p.tok.text}
	switch {
	case p.tok.kind == tokenText:
	case p.tok.kind == tokenNumber:
		var ok bool
		if b.num, ok = parseNumber(b.Text); !ok {
			return nil, p.unexpected("a number")
		}
		b.IsNumber = true
	case p.tok.is("true") || p.tok.is("false"):
		b.Text = strings.ToLower(b.Text)
	default:
		return nil, p.unexpected("a literal")
	}
	return b, p.advance()
}

func (p *parser) in(neg bool) (Test, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	e := &Equals{Values: map[string]bool{}, Not: neg}
	for {
		b, err := p.literal()
		if err != nil {
			return nil, err
		}
		e.Values[b.Text] = true
		more, err := p.accept(",")
		if err != nil {
			return nil, err
		}
		if !more {
			return e, p.expect(")")
		}
	}
}

func (p *parser) between(neg bool) (Test, error) {
	lo, err := p.literal()
	if err != nil {
		return nil, err
	}
	if err := p.expect("AND"); err != nil {
		return nil, err
	}
	hi, err := p.literal()
	if err != nil {
		return nil, err
	}
	return &Range{Lo: lo, Hi: hi, Not: neg}, nil
}

func (p *parser) like(neg bool) (Test, error) {
	text, err := p.text("a pattern")
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(likePattern(text))
	if err != nil {
		return nil, fmt.Errorf("invalid pattern %q: %w", text, err)
	}
	return &Matches{Pattern: re, Not: neg}, nil
}

// likePattern translates % and _ with \ as the escape.
func likePattern(s string) string {
	var b strings.Builder
	b.WriteString(`(?s)^`)
	escaped := false
	for _, r := range s {
		switch {
		case escaped || r != '%' && r != '_' && r != '\\':
			b.WriteString(regexp.QuoteMeta(string(r)))
			escaped = false
		case r == '\\':
			escaped = true
		case r == '%':
			b.WriteString(".*")
		default:
			b.WriteByte('.')
		}
	}
	b.WriteByte('$')
	return b.String()
}

func (p *parser) text(what string) (string, error) {
	if p.tok.kind != tokenText {
		return "", p.unexpected(what + " in single quotes")
	}
	s := p.tok.text
	return s, p.advance()
}

// regexpLike reads REGEXP_LIKE(path, 'pattern' [, 'i' or 'c']).
func (p *parser) regexpLike() (*Cond, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	if err := p.expect(","); err != nil {
		return nil, err
	}
	pattern, err := p.text("a pattern")
	if err != nil {
		return nil, err
	}
	flags, err := p.regexpFlags()
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(flags + pattern)
	if err != nil {
		return nil, fmt.Errorf("invalid pattern %q: %w", pattern, err)
	}
	return &Cond{Path: path, Test: &Matches{Pattern: re}}, p.expect(")")
}

func (p *parser) regexpFlags() (string, error) {
	more, err := p.accept(",")
	if err != nil || !more {
		return "", err
	}
	s, err := p.text("a flag")
	switch {
	case err != nil:
		return "", err
	case strings.EqualFold(s, "i"):
		return "(?i)", nil
	case strings.EqualFold(s, "c"):
		return "", nil
	}
	return "", fmt.Errorf("unknown flag %q of REGEXP_LIKE; it is 'i' or 'c'", s)
}
