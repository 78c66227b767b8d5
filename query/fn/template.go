package fn

import (
	"strings"
	"sync"
)

// tplToken is a field of a date-time template with its modifiers, or literal text.
type tplToken struct {
	field   string // canonical, upper case; "" for literal text
	written string // as written, or the literal text
	fill    bool   // FM: no padding
	th      string // "TH" or "th" after the field
}

// tplFields are the fields of templates; the longest match counts.
var tplFields = []string{
	"SSSSS", "SSSS", "Y,YYY", "YYYY", "IYYY", "MONTH", "A.M.", "P.M.", "B.C.", "A.D.",
	"YYY", "IYY", "HH24", "HH12", "IDDD", "DDD", "DAY", "MON", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6",
	"TZH", "TZM", "AM", "PM", "BC", "AD", "CC", "DD", "DY", "HH", "ID", "IW", "IY", "MI", "MM", "MS", "OF", "RM",
	"SS", "TZ", "US", "WW", "YY", "D", "I", "J", "Q", "W", "Y",
}

// templates caches parsed templates by their text.
var templates sync.Map

// parseTemplate splits a template of to_char, to_timestamp and to_date.
func parseTemplate(s string) []tplToken {
	if t, ok := templates.Load(s); ok {
		return t.([]tplToken)
	}
	out := scanTemplate(s)
	if len(s) < 200 {
		templates.Store(s, out)
	}
	return out
}

func scanTemplate(s string) []tplToken {
	var out []tplToken
	fill := false
	literal := func(text string) {
		if n := len(out); n > 0 && out[n-1].field == "" {
			out[n-1].written += text
			return
		}
		out = append(out, tplToken{written: text})
	}
	for s != "" {
		upper := strings.ToUpper(s)
		switch {
		case strings.HasPrefix(upper, "FM"):
			fill = true
			s = s[2:]
			continue
		case strings.HasPrefix(upper, "FX"), strings.HasPrefix(upper, "TM"):
			s = s[2:]
			continue
		case s[0] == '"':
			text, rest := quotedText(s[1:])
			literal(text)
			s = rest
			continue
		case s[0] == '\\' && len(s) > 1:
			literal(s[1:2])
			s = s[2:]
			continue
		}
		f := fieldAt(upper)
		if f == "" {
			literal(s[:1])
			s = s[1:]
			continue
		}
		t := tplToken{field: f, written: s[:len(f)], fill: fill}
		fill = false
		s = s[len(f):]
		if len(s) >= 2 && strings.EqualFold(s[:2], "TH") {
			t.th, s = s[:2], s[2:]
		}
		if len(s) >= 2 && strings.EqualFold(s[:2], "SP") {
			s = s[2:]
		}
		out = append(out, t)
	}
	return out
}

func fieldAt(upper string) string {
	for _, f := range tplFields {
		if strings.HasPrefix(upper, f) {
			return f
		}
	}
	return ""
}

// quotedText reads up to the closing quote; a backslash takes the next byte.
func quotedText(s string) (text, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}
