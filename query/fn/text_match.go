package fn

import (
	"github.com/alluviumdb/alluvium/internal/fulltext"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// registerTextMatch makes text_match(text, query).
func registerTextMatch(r *registry) {
	r.row("text_match(text,text) bool", textMatch)
	r.alias("text_match", "textmatch")
}

// ParseTextMatch reads the query of text_match.
func ParseTextMatch(query string) (*fulltext.Query, error) {
	q, err := fulltext.Parse(query)
	if err != nil {
		return nil, sqlerr.New(sqlerr.InvalidParameter, "invalid TEXT_MATCH query: %w", err)
	}
	return q, nil
}

func textMatch(c *call, i int) error {
	m, err := memoize(c, func() (*fulltext.Matcher, error) {
		q, err := ParseTextMatch(c.str(1, i))
		if err != nil {
			return nil, err
		}
		return fulltext.NewMatcher(q), nil
	}, 1)
	if err != nil {
		return err
	}
	return c.putBool(m.Match(c.bytes(0, i)))
}
