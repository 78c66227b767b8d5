package sql

import "strings"

// Ident is an identifier as it was written: the spelling of an unquoted one is
// kept (the tree has it folded to lower case and cut to 63 bytes), a quoted
// one is without its quotes.
type Ident struct {
	Name   string
	Quoted bool
}

// Idents reads the dotted name at byte offset loc of the text, as the location
// of a column or table reference gives it. It returns nil where there is no
// name or where the spelling cannot be read back simply (U&"…").
func (s *Statement) Idents(loc int) []Ident {
	if loc < 0 || loc >= len(s.Text) {
		return nil
	}
	var out []Ident
	sc := scanner{text: s.Text, pos: loc}
	for {
		t := sc.next()
		id, ok := readIdent(s.Text[t.start:t.end], t.kind)
		if !ok {
			return out
		}
		out = append(out, id)
		if sc.next().kind != '.' {
			return out
		}
	}
}

func readIdent(text string, kind tokenKind) (Ident, bool) {
	switch {
	case kind == tokWord:
		return Ident{Name: text}, true
	case kind == tokQuoted && text[0] == '"' && len(text) >= 2:
		return Ident{Name: strings.ReplaceAll(text[1:len(text)-1], `""`, `"`), Quoted: true}, true
	}
	return Ident{}, false
}

// AliasSpelling returns how the alias of the output expression that begins at
// loc was written, given the alias as the tree has it: the last identifier
// before the comma, parenthesis or keyword that ends the expression.
func (s *Statement) AliasSpelling(loc int, folded string) string {
	if loc < 0 || loc >= len(s.Text) {
		return folded
	}
	sc := scanner{text: s.Text, pos: loc}
	found := folded
	for depth := 0; ; {
		t := sc.next()
		switch t.kind {
		case tokEnd, ';':
			return found
		case '(', '[':
			depth++
		case ')', ']':
			if depth--; depth < 0 {
				return found
			}
		case ',':
			if depth == 0 {
				return found
			}
		case tokWord, tokQuoted:
			if depth > 0 {
				continue
			}
			if sc.is(t, "from") && depth == 0 && found != folded {
				return found
			}
			if id, ok := readIdent(s.Text[t.start:t.end], t.kind); ok && strings.EqualFold(id.Name, folded) {
				found = id.Name
				if sc.endsTarget() {
					return found
				}
			}
		}
	}
}

// endsTarget reports whether the next token ends an output expression.
func (s *scanner) endsTarget() bool {
	ahead := *s
	t := ahead.next()
	switch t.kind {
	case tokEnd, ',', ')', ';':
		return true
	case tokWord:
		for _, w := range [...]string{"from", "where", "group", "having", "order", "limit", "offset", "union", "window", "fetch", "into"} {
			if ahead.is(t, w) {
				return true
			}
		}
	}
	return false
}
