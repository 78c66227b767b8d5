package fn

import (
	"bytes"
	"regexp"
	"regexp/syntax"
)

// Needle returns the literal text of a pattern that passes exactly the texts
// which contain it.
func (p *LikePattern) Needle() (needle []byte, ok bool) {
	if p.fold || len(p.parts) != 3 || len(p.parts[0].text) > 0 || len(p.parts[2].text) > 0 {
		return nil, false
	}
	return p.parts[1].text, p.parts[1].wild == nil && len(p.parts[1].text) > 0
}

// Literals are the literal texts of a regular expression.
type Literals struct {
	// Prefix is how every text begins in which it is found; with PrefixOnly it
	// is found in all of these.
	Prefix     []byte
	PrefixOnly bool
	// Needle, when not empty, is the text that is all of the expression: it is
	// found in the texts that contain it.
	Needle []byte
}

// RegexpLiterals returns the literal texts of a regular expression, none where
// it has none or they are not easily seen.
func RegexpLiterals(re *regexp.Regexp) Literals {
	tree, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return Literals{}
	}
	tree = tree.Simplify()
	if text, ok := literal(tree); ok {
		return Literals{Needle: text}
	}
	if tree.Op != syntax.OpConcat || len(tree.Sub) < 2 || tree.Sub[0].Op != syntax.OpBeginText {
		return Literals{}
	}
	text, ok := literal(tree.Sub[1])
	if !ok {
		return Literals{}
	}
	return Literals{Prefix: text, PrefixOnly: len(tree.Sub) == 2}
}

func literal(tree *syntax.Regexp) ([]byte, bool) {
	if tree.Op != syntax.OpLiteral || tree.Flags&syntax.FoldCase != 0 {
		return nil, false
	}
	text := []byte(string(tree.Rune))
	// A pattern that is no UTF-8 matches bytes that its runes do not have.
	return text, !bytes.ContainsRune(text, '\uFFFD')
}
