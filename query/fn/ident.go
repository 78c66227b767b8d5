package fn

import (
	"strings"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

func invalidIdent(s string) error {
	return sqlerr.New(sqlerr.InvalidParameter, "string is not a valid identifier: %q", s)
}

// SplitName splits a name as SQL writes it, "Schema".table, into its parts:
// unquoted ones in lower case.
func SplitName(s string) (parts []string, ok bool) {
	s = strings.TrimSpace(s)
	for {
		part, rest, ok := nextPart(s)
		if !ok {
			return nil, false
		}
		parts = append(parts, part)
		if rest == "" {
			return parts, true
		}
		if rest[0] != '.' {
			return nil, false
		}
		s = strings.TrimSpace(rest[1:])
	}
}

func nextPart(s string) (part, rest string, ok bool) {
	if strings.HasPrefix(s, `"`) {
		var b strings.Builder
		for i := 1; i < len(s); i++ {
			if s[i] != '"' {
				b.WriteByte(s[i])
				continue
			}
			if i+1 < len(s) && s[i+1] == '"' {
				b.WriteByte('"')
				i++
				continue
			}
			return b.String(), strings.TrimSpace(s[i+1:]), b.Len() > 0
		}
		return "", "", false
	}
	end := 0
	for end < len(s) && isIdentByte(s[end], end == 0) {
		end++
	}
	return strings.ToLower(s[:end]), strings.TrimSpace(s[end:]), end > 0
}

func isIdentByte(c byte, first bool) bool {
	letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
	return letter || !first && (c >= '0' && c <= '9' || c == '$')
}
