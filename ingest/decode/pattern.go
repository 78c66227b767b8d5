package decode

import (
	"fmt"
	"strings"
	"time"
)

// Pattern is a compiled date-time pattern of Java's SimpleDateFormat letters.
// It is immutable and safe for concurrent use.
//
// Letters: y Y u year (yy: 1970–2069), M month (MMM, MMMM: English name), d
// day, D day of the year, H hour 0–23, k hour 1–24, K hour 0–11, h hour 1–12,
// m minute, s second, S fraction of a second, a AM/PM, E day name, z zone name,
// Z ±hhmm, X ±hh[[:]mm] or Z; text between apostrophes and other characters
// stand for themselves. A 12-hour clock without AM/PM counts as AM, so hour 12
// is hour 0. Values outside their range are refused (nothing is lenient).
type Pattern struct {
	ops []patternOp
	loc *time.Location // nil means UTC
	// size is the length of the text when all parts have a fixed width, else 0.
	size int
}

// patternOp is one part of a pattern: a letter with the least and most
// characters that it reads, or literal text (letter 0).
type patternOp struct {
	letter   byte
	min, max int
	literal  string
}

// numericWidths are the most digits that a numeric letter reads when no other
// digits follow it directly.
var numericWidths = map[byte]int{'y': 6, 'Y': 6, 'u': 6, 'M': 2, 'd': 2, 'D': 3,
	'H': 2, 'k': 2, 'K': 2, 'h': 2, 'm': 2, 's': 2, 'S': 9}

// CompilePattern compiles a pattern for texts in a zone (an IANA name; empty
// means UTC). A letter that is not supported is refused by name.
func CompilePattern(pattern, zone string) (*Pattern, error) {
	loc, err := loadZone(zone)
	if err != nil {
		return nil, err
	}
	p := &Pattern{loc: loc}
	for i := 0; i < len(pattern); {
		if i, err = p.addPart(pattern, i); err != nil {
			return nil, fmt.Errorf("time pattern %q: %w", pattern, err)
		}
	}
	if err := p.finish(); err != nil {
		return nil, fmt.Errorf("time pattern %q: %w", pattern, err)
	}
	return p, nil
}

// addPart compiles the part that begins at i and returns where the next begins.
func (p *Pattern) addPart(pattern string, i int) (int, error) {
	c := pattern[i]
	switch {
	case c == '\'':
		return p.addQuoted(pattern, i)
	case c|0x20 < 'a' || c|0x20 > 'z':
		p.addLiteral(pattern[i : i+1])
		return i + 1, nil
	}
	n := i + 1
	for n < len(pattern) && pattern[n] == c {
		n++
	}
	count := n - i
	op := patternOp{letter: c, min: 1, max: count}
	switch width, numeric := numericWidths[c]; {
	case c == 'M' && count >= 3:
		op.letter = 'L'
	case numeric && count > 9:
		return 0, fmt.Errorf("%d letters %q in a row", count, c)
	case numeric:
		op.max = max(count, width)
		op.min = count
		if c == 'S' {
			op.min = 1
		}
	case strings.IndexByte("aEzZX", c) < 0:
		return 0, fmt.Errorf("letter %q is not supported", c)
	}
	p.ops = append(p.ops, op)
	return n, nil
}

// addQuoted compiles text between apostrophes; two of them are one apostrophe.
func (p *Pattern) addQuoted(pattern string, i int) (int, error) {
	if strings.HasPrefix(pattern[i:], "''") {
		p.addLiteral("'")
		return i + 2, nil
	}
	var text strings.Builder
	for i++; i < len(pattern); i++ {
		if pattern[i] != '\'' {
			text.WriteByte(pattern[i])
			continue
		}
		if !strings.HasPrefix(pattern[i:], "''") {
			p.addLiteral(text.String())
			return i + 1, nil
		}
		text.WriteByte('\'')
		i++
	}
	return 0, fmt.Errorf("text without a closing apostrophe")
}

func (p *Pattern) addLiteral(s string) {
	if n := len(p.ops); n > 0 && p.ops[n-1].letter == 0 {
		p.ops[n-1].literal += s
		return
	}
	p.ops = append(p.ops, patternOp{literal: s})
}

// finish fixes the widths of numbers that touch and refuses contradictions.
func (p *Pattern) finish() error {
	seen := map[byte]bool{}
	for i := range p.ops {
		op := &p.ops[i]
		seen[op.letter] = true
		if op.isNumber() && i+1 < len(p.ops) && p.ops[i+1].isNumber() {
			op.max = op.min
		}
		// Two-letter numbers are mostly written with two digits but one is
		// taken too, as Java does, where nothing touches.
		if op.isNumber() && op.min == 2 && op.max == 2 && !p.touches(i) && op.letter|0x20 != 'y' {
			op.min = 1
		}
	}
	switch {
	case len(p.ops) == 0:
		return fmt.Errorf("it is empty")
	case seen['D'] && (seen['d'] || seen['M'] || seen['L']):
		return fmt.Errorf("letter 'D' is the day of the year; the day of the month is 'd'")
	}
	p.size = p.fixedSize()
	return nil
}

func (p *Pattern) touches(i int) bool {
	return i > 0 && p.ops[i-1].isNumber() || i+1 < len(p.ops) && p.ops[i+1].isNumber()
}

func (op *patternOp) isNumber() bool { return numericWidths[op.letter] > 0 }

// fixedSize is the length of texts in which every number has its usual width,
// 0 when the pattern has other parts than numbers of two or four digits and
// literals. Parse tries this form first.
func (p *Pattern) fixedSize() int {
	size := 0
	for i := range p.ops {
		switch op := &p.ops[i]; op.letter {
		case 0:
			size += len(op.literal)
		case 'y', 'Y', 'u':
			if op.min != 4 {
				return 0
			}
			size += 4
		case 'M', 'd', 'H', 'k', 'K', 'h', 'm', 's':
			size += 2
		default:
			return 0
		}
	}
	return size
}

// loadZone returns the location of an IANA name, nil for UTC.
func loadZone(zone string) (*time.Location, error) {
	switch zone {
	case "", "UTC", "GMT", "Z", "Etc/UTC":
		return nil, nil
	}
	if secs, ok := zoneAbbreviations[strings.ToUpper(zone)]; ok {
		return time.FixedZone(zone, secs), nil
	}
	loc, err := time.LoadLocation(zone)
	if err != nil || loc == time.Local {
		return nil, fmt.Errorf("unknown time zone %q", zone)
	}
	return loc, nil
}
