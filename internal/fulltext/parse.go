package fulltext

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The limits of a query.
const (
	maxQueryBytes = 1 << 20
	maxNesting    = 200
)

// Parse reads a query in Lucene's core syntax: words, "phrases", prefix*,
// wild?cards, /regular expressions/ over whole words, AND, OR, NOT (also &&,
// ||, !), +required, -excluded, parentheses, *:* for all. Clauses without an
// operator between them are joined by OR. A backslash takes the next character
// as it is. As in Lucene, AND makes both its sides required, and a query of
// excluded clauses only matches nothing.
func Parse(s string) (*Query, error) {
	if len(s) > maxQueryBytes {
		return nil, fmt.Errorf("the query is longer than %d bytes", maxQueryBytes)
	}
	p := parser{s: s}
	q, err := p.clauses(0)
	if err == nil && p.pos < len(p.s) {
		err = p.fail("unexpected )")
	}
	return q, err
}

type parser struct {
	s   string
	pos int
}

func (p *parser) fail(format string, args ...any) error {
	return fmt.Errorf("%s at position %d", fmt.Sprintf(format, args...), p.pos+1)
}

func (p *parser) skipSpace() {
	for p.pos < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.pos]) >= 0 {
		p.pos++
	}
}

// operator takes an operator if one is next.
func (p *parser) operator(names ...string) bool {
	p.skipSpace()
	for _, n := range names {
		rest, ok := strings.CutPrefix(p.s[p.pos:], n)
		if ok && (n[0] < 'A' || rest == "" || strings.IndexByte(" \t\r\n(\"", rest[0]) >= 0) {
			p.pos += len(n)
			return true
		}
	}
	return false
}

// clauses reads clauses up to the end or a closing parenthesis.
func (p *parser) clauses(depth int) (*Query, error) {
	if depth > maxNesting {
		return nil, errors.New("the query is nested too deeply")
	}
	q := &Query{}
	for {
		and := p.operator("AND", "&&")
		or := !and && p.operator("OR", "||")
		if (and || or) && len(q.Clauses) == 0 {
			return nil, p.fail("nothing stands before an operator")
		}
		occur := p.occur()
		p.skipSpace()
		if p.pos == len(p.s) || p.s[p.pos] == ')' {
			if and || or || occur != Should {
				return nil, p.fail("nothing follows an operator")
			}
			return q.simplify(), nil
		}
		c, err := p.clause(depth)
		if err != nil {
			return nil, err
		}
		q.add(c, occur, and)
	}
}

// occur reads NOT, !, + or -.
func (p *parser) occur() Occur {
	switch {
	case p.operator("NOT", "!", "-"):
		return MustNot
	case p.operator("+"):
		return Must
	}
	return Should
}

func (q *Query) add(c *Query, occur Occur, and bool) {
	if and {
		if last := &q.Clauses[len(q.Clauses)-1]; last.Occur == Should {
			last.Occur = Must
		}
		if occur == Should {
			occur = Must
		}
	}
	q.Clauses = append(q.Clauses, Clause{occur, c})
}

// simplify takes a single clause out of its boolean query.
func (q *Query) simplify() *Query {
	if len(q.Clauses) == 1 && q.Clauses[0].Occur != MustNot {
		return q.Clauses[0].Query
	}
	return q
}

func (p *parser) clause(depth int) (*Query, error) {
	switch p.s[p.pos] {
	case '(':
		p.pos++
		q, err := p.clauses(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.pos == len(p.s) {
			return nil, p.fail("a ) is missing")
		}
		p.pos++
		return q, p.suffix()
	case '"':
		return p.phrase()
	case '/':
		return p.regexp()
	case '[', '{':
		return nil, p.fail("ranges of words are not supported")
	}
	return p.term()
}

// suffix refuses what Lucene allows after a clause and is not supported.
func (p *parser) suffix() error {
	if p.pos < len(p.s) && (p.s[p.pos] == '~' || p.s[p.pos] == '^') {
		what := map[byte]string{'~': "fuzzy and proximity matching (~)", '^': "boosting (^)"}[p.s[p.pos]]
		return p.fail("%s is not supported", what)
	}
	return nil
}

func (p *parser) phrase() (*Query, error) {
	text, err := p.until('"')
	if err != nil {
		return nil, err
	}
	var words []string
	EachWord([]byte(text), func(w []byte) bool { words = append(words, string(w)); return true })
	if len(words) > 1 {
		return &Query{Phrase: words}, p.suffix()
	}
	return anyWord(words), p.suffix()
}

// until reads up to a closing delimiter and takes backslashes out before it.
func (p *parser) until(end byte) (string, error) {
	var b strings.Builder
	for i := p.pos + 1; i < len(p.s); i++ {
		switch c := p.s[i]; {
		case c == end:
			p.pos = i + 1
			return b.String(), nil
		case c == '\\' && i+1 < len(p.s) && (p.s[i+1] == end || end == '"'):
			i++
			b.WriteByte(p.s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", p.fail("the %c is not closed", end)
}

func (p *parser) regexp() (*Query, error) {
	text, err := p.until('/')
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(`^(?s:` + text + `)$`)
	if err != nil {
		return nil, fmt.Errorf("invalid regular expression %q: %w", text, err)
	}
	return &Query{Pattern: &Pattern{Prefix: literalPrefix(text), Regexp: re}}, p.suffix()
}

// literalPrefix returns a text with which all matches of an expression begin.
func literalPrefix(expr string) string {
	re, err := regexp.Compile(expr)
	if err != nil {
		return ""
	}
	prefix, _ := re.LiteralPrefix()
	return prefix
}

// anyWord matches texts with one of the words; without words nothing.
func anyWord(words []string) *Query {
	if len(words) == 1 {
		return &Query{Word: words[0]}
	}
	q := &Query{}
	for _, w := range words {
		q.Clauses = append(q.Clauses, Clause{Should, &Query{Word: w}})
	}
	return q
}

// term reads a word that may have wildcards.
func (p *parser) term() (*Query, error) {
	var text []rune
	var wild []bool
	hasWild := false
	for p.pos < len(p.s) {
		r, n := utf8.DecodeRuneInString(p.s[p.pos:])
		if strings.ContainsRune(" \t\r\n()\"[]{}~^", r) {
			break
		}
		escaped := r == '\\' && p.pos+1 < len(p.s)
		if escaped {
			p.pos++
			r, n = utf8.DecodeRuneInString(p.s[p.pos:])
		}
		if r == ':' && !escaped {
			if string(text) == "*" && strings.HasPrefix(p.s[p.pos:], ":*") {
				p.pos += 2
				return &Query{All: true}, p.suffix()
			}
			return nil, p.fail("fields (%s:) are not supported", string(text))
		}
		w := !escaped && (r == '*' || r == '?')
		text, wild, hasWild = append(text, r), append(wild, w), hasWild || w
		p.pos += n
	}
	if len(text) == 0 && p.suffix() == nil {
		return nil, p.fail("unexpected %q", p.s[p.pos:p.pos+1])
	}
	if hasWild {
		return wildcards(text, wild), p.suffix()
	}
	var words []string
	EachWord([]byte(string(text)), func(w []byte) bool { words = append(words, string(w)); return true })
	return anyWord(words), p.suffix()
}

// wildcards makes the pattern of a lower-cased text in which * stands for any
// text and ? for one character.
func wildcards(text []rune, wild []bool) *Query {
	var re, prefix strings.Builder
	re.WriteString("^(?s:")
	fixed, stars := true, 0
	for i, r := range text {
		fixed = fixed && !wild[i]
		switch low := strings.ToLower(string(r)); {
		case !wild[i]:
			re.WriteString(regexp.QuoteMeta(low))
			if fixed {
				prefix.WriteString(low)
			}
		case r == '*':
			stars++
			re.WriteString(".*")
		default:
			re.WriteByte('.')
		}
	}
	re.WriteString(")$")
	p := &Pattern{Prefix: prefix.String()}
	if last := len(text) - 1; stars != 1 || !wild[last] || text[last] != '*' || hasQuestion(text, wild) {
		p.Regexp = regexp.MustCompile(re.String()) // of quoted text and dots
	}
	return &Query{Pattern: p}
}

func hasQuestion(text []rune, wild []bool) bool {
	for i, r := range text {
		if wild[i] && r == '?' {
			return true
		}
	}
	return false
}
