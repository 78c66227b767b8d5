package decode

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// scanner walks JSON text strictly by RFC 8259. Its methods take the text and
// a position and return the position after what they read, or -1 when the text
// is malformed; then at and msg tell where and why. A scanner is used by one
// goroutine.
type scanner struct {
	maxDepth int
	at       int
	msg      string
}

func (s *scanner) fail(at int, msg string) int {
	s.at, s.msg = at, msg
	return -1
}

// unexpected fails at position i, telling what was expected there.
func (s *scanner) unexpected(b []byte, i int, want string) int {
	if i >= len(b) {
		return s.fail(len(b), "unexpected end of record, expected "+want)
	}
	return s.fail(i, fmt.Sprintf("unexpected character %q, expected %s", b[i], want))
}

// skipSpace returns the first position from i on that is not white space.
func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// stringStops marks, in a word of eight bytes, those that end a run of plain
// string characters: quote, backslash, control characters. Only the lowest
// mark is exact, which is all that its caller uses.
func stringStops(w uint64) uint64 {
	quote := w ^ (lowBits * '"')
	slash := w ^ (lowBits * '\\')
	return ((quote-lowBits)&^quote | (slash-lowBits)&^slash | (w-lowBits*' ')&^w) & highBits
}

// text reads a string whose opening quote lies before i. It returns the
// position of the closing quote and whether the string has escapes.
func (s *scanner) text(b []byte, i int) (end int, escaped bool) {
	start := i
	var seen uint64 // or of all bytes, to notice text beyond ASCII
	for i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		if m := stringStops(w); m != 0 {
			k := bits.TrailingZeros64(m) &^ 7
			seen |= w & (1<<k - 1)
			i += k >> 3
			return s.textEnd(b, start, i, seen)
		}
		seen |= w
		i += 8
	}
	for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
		seen |= uint64(b[i])
		i++
	}
	return s.textEnd(b, start, i, seen)
}

// textEnd finishes text at the first stop.
func (s *scanner) textEnd(b []byte, start, i int, seen uint64) (int, bool) {
	if i < len(b) && b[i] == '"' {
		if seen&highBits != 0 && !utf8.Valid(b[start:i]) {
			return s.badUTF8(b, start, i), false
		}
		return i, false
	}
	return s.escapedText(b, start, i), true
}

// badUTF8 fails at the first invalid byte of b[start:end].
func (s *scanner) badUTF8(b []byte, start, end int) int {
	for start < end {
		r, n := utf8.DecodeRune(b[start:end])
		if r == utf8.RuneError && n <= 1 {
			break
		}
		start += n
	}
	return s.fail(start, "invalid UTF-8")
}

// escapedText goes on where text met its first stop other than a quote.
func (s *scanner) escapedText(b []byte, start, i int) int {
	for i < len(b) {
		switch c := b[i]; {
		case c == '"':
			if !utf8.Valid(b[start:i]) {
				return s.badUTF8(b, start, i)
			}
			return i
		case c < ' ':
			return s.fail(i, fmt.Sprintf("control character %q in a string", c))
		case c == '\\':
			if i = s.escape(b, i); i < 0 {
				return -1
			}
		default:
			i++
		}
	}
	return s.fail(len(b), "unterminated string")
}

// escape checks the escape sequence at i; a high surrogate takes its low one
// with it.
func (s *scanner) escape(b []byte, i int) int {
	if i+1 >= len(b) {
		return s.fail(len(b), "unterminated string")
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
	default:
		return s.fail(i, fmt.Sprintf("invalid escape \\%c", b[i+1]))
	}
	r := hex4(b, i+2)
	switch {
	case r < 0:
		return s.fail(i, "invalid \\u escape")
	case r < 0xD800 || r > 0xDFFF:
		return i + 6
	case r >= 0xDC00:
		return s.fail(i, "unpaired surrogate")
	}
	if i+8 > len(b) || b[i+6] != '\\' || b[i+7] != 'u' {
		return s.fail(i, "unpaired surrogate")
	}
	if low := hex4(b, i+8); low < 0xDC00 || low > 0xDFFF {
		return s.fail(i, "unpaired surrogate")
	}
	return i + 12
}

// hex4 reads four hexadecimal digits at i, -1 when they are not there.
func hex4(b []byte, i int) rune {
	if i+4 > len(b) {
		return -1
	}
	var r rune
	for _, c := range b[i : i+4] {
		v := hexValue(c)
		if v < 0 {
			return -1
		}
		r = r<<4 | rune(v)
	}
	return r
}

func hexValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// unescape appends the value of a string's raw text, which text has checked.
func unescape(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			j := i + 1
			for j < len(raw) && raw[j] != '\\' {
				j++
			}
			dst = append(dst, raw[i:j]...)
			i = j
			continue
		}
		if raw[i+1] != 'u' {
			dst = append(dst, unescapeByte(raw[i+1]))
			i += 2
			continue
		}
		r := hex4(raw, i+2)
		i += 6
		if r >= 0xD800 && r < 0xDC00 {
			r = (r-0xD800)<<10 | (hex4(raw, i+2) - 0xDC00) + 0x10000
			i += 6
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

func unescapeByte(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// digits returns the first position from i on that is no digit.
func digits(b []byte, i int) int {
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
}

// number reads a number by the strict grammar: no plus sign, no leading zero,
// digits on both sides of the point.
func (s *scanner) number(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
		if i < len(b) && isDigit(b[i]) {
			return s.fail(i, "number with a leading zero")
		}
	default:
		j := digits(b, i)
		if j == i {
			return s.unexpected(b, i, "a digit")
		}
		i = j
	}
	if i < len(b) && b[i] == '.' {
		j := digits(b, i+1)
		if j == i+1 {
			return s.unexpected(b, j, "a digit")
		}
		i = j
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		return s.exponent(b, i+1)
	}
	return i
}

func (s *scanner) exponent(b []byte, i int) int {
	if i < len(b) && (b[i] == '+' || b[i] == '-') {
		i++
	}
	j := digits(b, i)
	if j == i {
		return s.unexpected(b, j, "a digit")
	}
	return j
}

// literal reads the word at i: true, false or null.
func (s *scanner) literal(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return s.unexpected(b, i, "a value")
	}
	return i + len(word)
}

// skip reads any value without keeping it, as strictly as one that is kept.
func (s *scanner) skip(b []byte, i, depth int) int {
	if i >= len(b) {
		return s.unexpected(b, i, "a value")
	}
	switch c := b[i]; c {
	case '"':
		end, _ := s.text(b, i+1)
		if end < 0 {
			return -1
		}
		return end + 1
	case '{':
		return s.skipObject(b, i+1, depth+1)
	case '[':
		return s.skipArray(b, i+1, depth+1)
	case 't':
		return s.literal(b, i, "true")
	case 'f':
		return s.literal(b, i, "false")
	case 'n':
		return s.literal(b, i, "null")
	default:
		if c != '-' && !isDigit(c) {
			return s.unexpected(b, i, "a value")
		}
		return s.number(b, i)
	}
}

func (s *scanner) skipObject(b []byte, i, depth int) int {
	if depth > s.maxDepth {
		return s.tooDeep(i)
	}
	if i = skipSpace(b, i); i < len(b) && b[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return s.unexpected(b, i, "a key")
		}
		end, _ := s.text(b, i+1)
		if end < 0 {
			return -1
		}
		if i = s.colon(b, end+1); i < 0 {
			return -1
		}
		if i = s.skip(b, i, depth); i < 0 {
			return -1
		}
		var last bool
		if i, last = s.comma(b, i, '}'); i < 0 || last {
			return i
		}
	}
}

func (s *scanner) skipArray(b []byte, i, depth int) int {
	if depth > s.maxDepth {
		return s.tooDeep(i)
	}
	if i = skipSpace(b, i); i < len(b) && b[i] == ']' {
		return i + 1
	}
	for {
		if i = s.skip(b, i, depth); i < 0 {
			return -1
		}
		var last bool
		if i, last = s.comma(b, i, ']'); i < 0 || last {
			return i
		}
	}
}

func (s *scanner) tooDeep(i int) int {
	return s.fail(i-1, fmt.Sprintf("nesting deeper than %d", s.maxDepth))
}

// colon reads the colon after a key and the space around it.
func (s *scanner) colon(b []byte, i int) int {
	if i < len(b) && b[i] != ':' {
		i = skipSpace(b, i)
	}
	if i >= len(b) || b[i] != ':' {
		return s.unexpected(b, i, "':'")
	}
	return skipSpace(b, i+1)
}

// comma reads what follows a member: a comma (and the space after it), or the
// closing bracket, for which last is true.
func (s *scanner) comma(b []byte, i int, closing byte) (next int, last bool) {
	i = skipSpace(b, i)
	switch {
	case i < len(b) && b[i] == ',':
		return skipSpace(b, i+1), false
	case i < len(b) && b[i] == closing:
		return i + 1, true
	}
	return s.unexpected(b, i, fmt.Sprintf("',' or '%c'", closing)), false
}

// compact appends a valid JSON value without the white space between its
// tokens; strings and numbers keep their spelling.
func compact(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		switch raw[i] {
		case ' ', '\n', '\t', '\r':
			i++
		case '"':
			j := stringEnd(raw, i+1)
			dst = append(dst, raw[i:j]...)
			i = j
		default:
			dst = append(dst, raw[i])
			i++
		}
	}
	return dst
}

// stringEnd returns the position after the closing quote of a valid string.
func stringEnd(raw []byte, i int) int {
	for raw[i] != '"' {
		if raw[i] == '\\' {
			i++
		}
		i++
	}
	return i + 1
}
