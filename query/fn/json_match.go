package fn

import (
	"github.com/alluviumdb/alluvium/internal/jsonmatch"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// registerJSONMatch makes json_match(document, condition).
func registerJSONMatch(r *registry) {
	for _, t := range []string{"json", "jsonb", "text"} {
		r.row("json_match("+t+",text) bool", jsonMatch)
	}
	r.alias("json_match", "jsonmatch")
}

// ParseJSONMatch reads the condition of json_match.
func ParseJSONMatch(cond string) (*jsonmatch.Cond, error) {
	c, err := jsonmatch.Parse(cond)
	if err != nil {
		return nil, sqlerr.New(sqlerr.InvalidParameter, "invalid JSON_MATCH condition: %w", err)
	}
	return c, nil
}

func jsonMatch(c *call, i int) error {
	m, err := memoize(c, func() (*jsonmatch.Matcher, error) {
		cond, err := ParseJSONMatch(c.str(1, i))
		if err != nil {
			return nil, err
		}
		return jsonmatch.NewMatcher(cond), nil
	}, 1)
	if err != nil {
		return err
	}
	ok, err := m.Match(c.bytes(0, i))
	if err != nil {
		return sqlerr.New(sqlerr.StatementTooComplex, "JSON_MATCH: %w", err)
	}
	return c.putBool(ok)
}

// JSONExtractPath returns the keys and positions of a path of JSONEXTRACTSCALAR.
func JSONExtractPath(path string) []string { return pinotPath(path) }
