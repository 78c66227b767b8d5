package fulltext

import "regexp"

// Occur says how a clause takes part in a boolean query.
type Occur uint8

// The occurrences.
const (
	Should  Occur = iota // one of these must match when none is a Must
	Must                 // all of these must match
	MustNot              // none of these may match
)

// Query is a parsed query. It is read-only and safe for concurrent use. Exactly
// one of its forms is set.
type Query struct {
	All     bool     // matches every text
	Word    string   // one word
	Phrase  []string // words one after the other, at least two
	Pattern *Pattern // words of a shape
	Clauses []Clause // a boolean query; none matches nothing
}

// Clause is a part of a boolean query.
type Clause struct {
	Occur Occur
	Query *Query
}

// Pattern matches whole words that begin with Prefix; of these, when Regexp is
// not nil, only those that it matches.
type Pattern struct {
	Prefix string
	Regexp *regexp.Regexp
}

// Match reports whether a word, which begins with the prefix, fits.
func (p *Pattern) Match(word []byte) bool { return p.Regexp == nil || p.Regexp.Match(word) }

// HasPhrase reports whether the order of words matters to the query.
func (q *Query) HasPhrase() bool {
	for _, c := range q.Clauses {
		if c.Query.HasPhrase() {
			return true
		}
	}
	return len(q.Phrase) > 0
}

// Combine decides a boolean query by the answers of its clauses.
func (q *Query) Combine(match func(*Query) bool) bool {
	must, should, hit := false, false, false
	for _, c := range q.Clauses {
		switch c.Occur {
		case MustNot:
			if match(c.Query) {
				return false
			}
		case Must:
			must = true
			if !match(c.Query) {
				return false
			}
		default:
			should = true
			hit = hit || match(c.Query)
		}
	}
	return must || should && hit
}
