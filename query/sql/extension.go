package sql

import (
	"strings"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// rule recognises one extension at the token that its keyword is. It returns
// the number of tokens that it took, 0 if there is none.
type rule func(s *source, toks []token, i int) (int, error)

// rules lists the rules by the keyword at which they begin.
var rules = map[string][]rule{
	"for":       {refuse("FOR SYSTEM_TIME", "system_time"), refuse("FOR VALID_TIME", "valid_time"), refuse("FOR PORTION OF", "portion", "of"), refuseTag},
	"as":        {refuse("AS OF SNAPSHOT", "of", "snapshot")},
	"asof":      {refuse("ASOF JOIN", "join"), refuse("ASOF JOIN", "left", "join")},
	"sequenced": {refuse("SEQUENCED JOIN", "join")},
	"semi":      {refuse("SEMI JOIN", "join")},
	"anti":      {refuse("ANTI JOIN", "join")},
	"put":       {refuse("PUT INTO", "into")},
	"erase":     {refuse("ERASE", "from")},
	"commit":    {refuse("COMMIT MESSAGE", "message")},
	"every":     {refuseEvery},
	"limit":     {pinotLimit},
	"option":    {pinotOption},
}

// isExtensionWord reports whether a word may begin an extension. "as" and
// "for" do only together with others, so their partners stand for them.
func isExtensionWord(w string) bool {
	switch len(w) {
	case 3, 4, 5, 6, 7, 8, 9, 10, 11:
	default:
		return false
	}
	switch strings.ToLower(w) {
	case "system_time", "valid_time", "portion", "tag", "snapshot", "asof", "sequenced", "semi", "anti",
		"put", "erase", "message", "every", "limit", "option":
		return true
	}
	return false
}

// blankExtensions finds extensions, keeps them in the side table and blanks
// them out of the text to be parsed.
func (s *source) blankExtensions() error {
	toks := tokens(s.text)
	s.parse = []byte(s.text)
	for i := 0; i < len(toks); i++ {
		if toks[i].kind != tokWord {
			continue
		}
		for _, r := range rules[strings.ToLower(s.text[toks[i].start:toks[i].end])] {
			n, err := r(s, toks, i)
			if err != nil {
				return err
			}
			if n > 0 {
				i += n - 1
				break
			}
		}
	}
	return nil
}

func tokens(text string) []token {
	s := scanner{text: text}
	var out []token
	for t := s.next(); t.kind != tokEnd; t = s.next() {
		out = append(out, t)
	}
	return out
}

// blank overwrites bytes of the text to be parsed with spaces.
func (s *source) blank(start, end int) {
	for i := start; i < end; i++ {
		s.parse[i] = ' '
	}
}

func (s *source) extend(key int, e Extension) {
	if s.exts == nil {
		s.exts = map[int]Extension{}
	}
	s.exts[key] = e
	s.blank(e.Start, e.End)
}

// follows reports whether the tokens after i are the given words.
func (s *source) follows(toks []token, i int, words ...string) bool {
	for k, w := range words {
		if i+1+k >= len(toks) || !isWord(s.text, toks[i+1+k], w) {
			return false
		}
	}
	return true
}

// refuse makes a rule for a construct that is known but not supported.
func refuse(name string, words ...string) rule {
	return func(s *source, toks []token, i int) (int, error) {
		if i > 0 && toks[i-1].kind == '.' || !s.follows(toks, i, words...) {
			return 0, nil
		}
		return 0, sqlerr.Unsupported(name).At(toks[i].start)
	}
}

// refuseTag is FOR TAG 'name' behind a table.
func refuseTag(s *source, toks []token, i int) (int, error) {
	if s.follows(toks, i, "tag") && i+2 < len(toks) && toks[i+2].kind == tokString {
		return 0, sqlerr.Unsupported("FOR TAG").At(toks[i].start)
	}
	return 0, nil
}

// refuseEvery is VALID_TIME EVERY '1 day' in GROUP BY.
func refuseEvery(s *source, toks []token, i int) (int, error) {
	if i > 0 && isWord(s.text, toks[i-1], "valid_time") && i+1 < len(toks) && toks[i+1].kind == tokString {
		return 0, sqlerr.Unsupported("EVERY").At(toks[i].start)
	}
	return 0, nil
}

// pinotLimit is LIMIT a, b: b stays, a goes to the side table.
func pinotLimit(s *source, toks []token, i int) (int, error) {
	if !s.pinot || i+3 >= len(toks) || toks[i+2].kind != ',' || !isCount(toks[i+1]) || !isCount(toks[i+3]) {
		return 0, nil
	}
	a, comma, b := toks[i+1], toks[i+2], toks[i+3]
	s.extend(b.start, Extension{Kind: ExtLimitOffset, Start: a.start, End: comma.end, Text: s.text[a.start:a.end]})
	return 4, nil
}

func isCount(t token) bool { return t.kind == tokNumber || t.kind == tokParam }

// pinotOption is OPTION(key = value, …) behind a query.
func pinotOption(s *source, toks []token, i int) (int, error) {
	if !s.pinot || i+1 >= len(toks) || toks[i+1].kind != '(' || i == 0 {
		return 0, nil
	}
	values := map[string]string{}
	k := i + 2
	for ; k < len(toks) && toks[k].kind != ')'; k++ {
		if toks[k].kind == ',' {
			continue
		}
		if k+2 >= len(toks) || toks[k].kind != tokWord || s.text[toks[k+1].start:toks[k+1].end] != "=" {
			return 0, sqlerr.New(sqlerr.SyntaxError, "OPTION needs key = value pairs").At(toks[k].start)
		}
		key := s.text[toks[k].start:toks[k].end]
		var end int
		values[key], end = s.optionValue(toks, k+2)
		k = end
	}
	if k >= len(toks) {
		return 0, sqlerr.New(sqlerr.SyntaxError, "OPTION is not closed").At(toks[i].start)
	}
	s.opts = append(s.opts, optionClause{at: toks[i].start, values: values})
	s.blank(toks[i].start, toks[k].end)
	return k - i + 1, nil
}

// optionValue reads a value up to the comma or parenthesis behind it and
// returns the index of its last token.
func (s *source) optionValue(toks []token, k int) (string, int) {
	last := k
	for last+1 < len(toks) && toks[last+1].kind != ',' && toks[last+1].kind != ')' {
		last++
	}
	v := s.text[toks[k].start:toks[last].end]
	if k == last && toks[k].kind == tokString && v[0] == '\'' && len(v) >= 2 {
		v = strings.ReplaceAll(v[1:len(v)-1], "''", "'")
	}
	return v, last
}
