package sql

import (
	"slices"
	"strings"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// leadingWords begin statements.
var leadingWords = []string{
	"select", "with", "values", "table", "insert", "update", "delete", "create", "alter", "drop",
	"explain", "show", "set", "reset", "begin", "start", "commit", "rollback", "savepoint", "release",
	"declare", "fetch", "close", "prepare", "execute", "deallocate", "discard", "copy", "truncate",
}

// clauseWords stand within queries.
var clauseWords = []string{
	"select", "from", "where", "group", "having", "order", "limit", "offset", "union", "join", "left",
	"inner", "distinct", "between", "like", "intersect", "except", "values", "desc", "nulls",
}

// didYouMean looks for a misspelt keyword at an error position: the word there,
// or the one before it, which the grammar may have taken for an alias.
func didYouMean(text string, at int) (string, bool) {
	s := scanner{text: text}
	first := true
	var prev token
	for {
		t := s.next()
		if t.kind == tokEnd || t.start >= at {
			words := clauseWords
			if first {
				words = leadingWords
			}
			if w, ok := nearWord(text, t, words); ok {
				return w, true
			}
			return nearWord(text, prev, clauseWords)
		}
		prev, first = t, t.kind == ';'
	}
}

func nearWord(text string, t token, words []string) (string, bool) {
	if t.kind != tokWord || t.end-t.start < 3 {
		return "", false
	}
	word := strings.ToLower(text[t.start:t.end])
	if slices.Contains(words, word) || slices.Contains(clauseWords, word) {
		return "", false
	}
	w, ok := sqlerr.Nearest(word, words)
	if !ok || w[0] != word[0] && w[len(w)-1] != word[len(word)-1] {
		return "", false
	}
	return strings.ToUpper(w), true
}
