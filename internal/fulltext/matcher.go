package fulltext

import "strings"

// Matcher evaluates a query for texts. It keeps its memory between texts and is
// not safe for concurrent use.
type Matcher struct {
	query *Query
	words []string
	seen  map[string]bool
}

// NewMatcher returns a matcher of the query.
func NewMatcher(q *Query) *Matcher { return &Matcher{query: q, seen: map[string]bool{}} }

// Match reports whether the text matches.
func (m *Matcher) Match(text []byte) bool {
	m.words = m.words[:0]
	clear(m.seen)
	EachWord(text, func(w []byte) bool {
		s := string(w)
		m.words = append(m.words, s)
		m.seen[s] = true
		return true
	})
	return m.match(m.query)
}

func (m *Matcher) match(q *Query) bool {
	switch {
	case q.All:
		return true
	case q.Word != "":
		return m.seen[q.Word]
	case len(q.Phrase) > 0:
		return m.phrase(q.Phrase)
	case q.Pattern != nil:
		return m.pattern(q.Pattern)
	}
	return q.Combine(m.match)
}

func (m *Matcher) pattern(p *Pattern) bool {
	for w := range m.seen {
		if strings.HasPrefix(w, p.Prefix) && p.Match([]byte(w)) {
			return true
		}
	}
	return false
}

func (m *Matcher) phrase(words []string) bool {
next:
	for i := 0; i+len(words) <= len(m.words); i++ {
		for k, w := range words {
			if m.words[i+k] != w {
				continue next
			}
		}
		return true
	}
	return false
}
