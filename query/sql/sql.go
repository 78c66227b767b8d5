// Package sql turns text into statements: PostgreSQL's grammar (by oliphant)
// behind limits that keep hostile text harmless, with the syntax that the
// grammar lacks handled beside it. It knows text and syntax trees; it knows
// nothing of names, types or plans.
//
// Extension syntax is blanked out with spaces of the same length before the
// grammar sees the text, so that every location of the tree and every error
// position stays true, and is kept in a side table keyed by byte offset.
package sql

import (
	"errors"
	"strings"
	"unicode/utf8"

	pg "github.com/sqlc-dev/oliphant"
	"github.com/sqlc-dev/oliphant/parser"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// invalidByteSequence is the SQLSTATE of text that is not UTF-8.
const invalidByteSequence = "22021"

// Statement is one statement of a text. It is read-only after Parse and may be
// shared by goroutines.
type Statement struct {
	Node *pg.Node
	// Text is the whole text that was parsed, possibly of several statements;
	// locations of the tree are byte offsets into it. The statement itself is
	// Text[Offset:End].
	Text        string
	Offset, End int
	// Options holds what Pinot's SET statements before the statement and its
	// OPTION(…) suffix say; nil when there is none.
	Options map[string]string
	// Extensions holds the blanked-out syntax, keyed by the byte offset that
	// each extension's kind defines; nil when there is none.
	Extensions map[int]Extension
}

// ExtensionKind names a construct that the grammar lacks.
type ExtensionKind uint8

// The extensions.
const (
	// ExtLimitOffset is the offset a of Pinot's LIMIT a, b, keyed by the
	// offset of b.
	ExtLimitOffset ExtensionKind = iota + 1
)

// Extension is one piece of blanked-out syntax.
type Extension struct {
	Kind       ExtensionKind
	Start, End int    // the blanked bytes
	Text       string // what matters of them
}

// Parse splits a text into statements and parses them. With pinot set it also
// takes Pinot's syntax: SET key = value; before a statement, OPTION(k=v) after
// it, LIMIT a, b. Text without a statement (empty, comments) gives none.
// Errors are *sqlerr.Error with a position: 42601, and 54001 for text beyond
// the limits of this package.
func Parse(text string, pinot bool) ([]Statement, error) {
	if len(text) > MaxTextBytes {
		return nil, sqlerr.New(sqlerr.StatementTooComplex, "statement is larger than %d bytes", MaxTextBytes)
	}
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		return nil, sqlerr.New(invalidByteSequence, "invalid byte sequence for encoding \"UTF8\"")
	}
	sum, err := checkLimits(text)
	if err != nil {
		return nil, err
	}
	src, parse := source{text: text, pinot: pinot}, text
	if sum.extension {
		if err := src.blankExtensions(); err != nil {
			return nil, err
		}
		parse = string(src.parse)
	}
	tree, err := pg.Parse(parse)
	if err != nil {
		return nil, syntaxError(text, err)
	}
	if sum.tokens > maxTreeDepth/treeDepthPerToken {
		if err := checkDepth(tree); err != nil {
			return nil, err
		}
	}
	return src.statements(tree), nil
}

// source is a text on its way through Parse.
type source struct {
	text  string
	parse []byte // text with the extensions blanked out
	pinot bool
	exts  map[int]Extension
	opts  []optionClause
}

// optionClause is one OPTION(k=v, …) suffix.
type optionClause struct {
	at     int
	values map[string]string
}

func (s *source) statements(tree *pg.ParseResult) []Statement {
	out := make([]Statement, 0, len(tree.Stmts))
	var pending map[string]string
	for i, raw := range tree.Stmts {
		st := s.statement(raw)
		if s.pinot && i+1 < len(tree.Stmts) {
			if k, v, ok := setOption(raw.Stmt); ok {
				pending = putOption(pending, k, v)
				continue
			}
		}
		for k, v := range pending {
			st.Options = putOption(st.Options, k, v)
		}
		pending = nil
		out = append(out, st)
	}
	return out
}

func (s *source) statement(raw *pg.RawStmt) Statement {
	start, end := int(raw.StmtLocation), len(s.text)
	if raw.StmtLen > 0 {
		end = start + int(raw.StmtLen)
	}
	start = skipSpace(s.text, start)
	st := Statement{Node: raw.Stmt, Text: s.text, Offset: min(start, end), Extensions: s.exts}
	for _, o := range s.opts {
		if o.at >= start && (o.at < end || end == len(s.text)) {
			for k, v := range o.values {
				st.Options = putOption(st.Options, k, v)
			}
		}
	}
	st.End = st.Offset + len(strings.TrimRight(s.text[st.Offset:end], " \t\r\n\f\v;"))
	return st
}

func putOption(m map[string]string, k, v string) map[string]string {
	if m == nil {
		m = map[string]string{}
	}
	m[k] = v
	return m
}

// setOption returns the key and value of a SET statement with one plain value.
func setOption(n *pg.Node) (key, value string, ok bool) {
	set := n.GetVariableSetStmt()
	if set == nil || set.Kind != pg.VariableSetKind_VAR_SET_VALUE || len(set.Args) != 1 {
		return "", "", false
	}
	c := set.Args[0].GetAConst()
	if c == nil {
		return "", "", false
	}
	return set.Name, ConstText(c), true
}

// ConstText returns the value of a constant as text.
func ConstText(c *pg.A_Const) string {
	switch v := c.Val.(type) {
	case *pg.A_Const_Sval:
		return v.Sval.Sval
	case *pg.A_Const_Ival:
		return itoa(v.Ival.Ival)
	case *pg.A_Const_Fval:
		return v.Fval.Fval
	case *pg.A_Const_Boolval:
		if v.Boolval.Boolval {
			return "true"
		}
		return "false"
	case *pg.A_Const_Bsval:
		return v.Bsval.Bsval
	}
	return ""
}

// syntaxError maps an error of the grammar.
func syntaxError(text string, err error) error {
	var pe *parser.Error
	if !errors.As(err, &pe) {
		return sqlerr.New(sqlerr.SyntaxError, "%w", err)
	}
	if pe.Cursorpos <= 0 {
		return sqlerr.New(sqlerr.SyntaxError, "%s", pe.Message)
	}
	at := byteOffset(text, pe.Cursorpos-1)
	e := sqlerr.New(sqlerr.SyntaxError, "%s", pe.Message).At(at)
	if word, ok := didYouMean(text, at); ok {
		return e.WithHint("Did you mean %q?", word)
	}
	return e
}

// byteOffset returns the offset of character n (from 0).
func byteOffset(text string, n int) int {
	for i := range text {
		if n == 0 {
			return i
		}
		n--
	}
	return len(text)
}
