package fn

import (
	_ "embed" // for the keyword list
	"strings"
)

// keywordList has a line per keyword of PostgreSQL 15's grammar: the word, its
// class (U unreserved, C column name, T type or function name, R reserved) and
// whether it may be a bare label (t or f).
//
//go:embed data/keywords.txt
var keywordList string

type keyword struct {
	word  string
	class byte
	bare  bool
}

var keywords = readKeywords()

func readKeywords() []keyword {
	var out []keyword
	for line := range strings.Lines(keywordList) {
		f := strings.Fields(line)
		out = append(out, keyword{word: f[0], class: f[1][0], bare: f[2] == "t"})
	}
	return out
}

// reservedWords are the keywords that quote_ident puts in quotes.
var reservedWords = func() map[string]bool {
	m := map[string]bool{}
	for _, k := range keywords {
		if k.class != 'U' {
			m[k.word] = true
		}
	}
	return m
}()

var keywordClasses = map[byte]string{
	'U': "unreserved", 'C': "unreserved (cannot be function or type name)",
	'T': "reserved (can be function or type name)", 'R': "reserved",
}
