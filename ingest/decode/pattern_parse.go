package decode

import (
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // hosts and images without a zone database
)

// clock is what the parts of a pattern add up to.
type clock struct {
	civil
	yearDay int
	pm      bool
	loc     *time.Location // the zone that the text names, if it is no offset
}

// Parse reads text and returns µs since 1970. Parts that the pattern lacks are
// those of 1970-01-01 00:00:00.
func (p *Pattern) Parse(b []byte) (micros int64, ok bool) {
	c := clock{civil: civil{year: 1970, month: 1, day: 1}, loc: p.loc}
	if p.size == 0 || p.size != len(b) || !p.parseFixed(b, &c) {
		c = clock{civil: civil{year: 1970, month: 1, day: 1}, loc: p.loc}
		if !p.parse(b, &c) {
			return 0, false
		}
	}
	if c.yearDay > 0 {
		return c.resolveYearDay()
	}
	if !c.validDate() {
		return 0, false
	}
	if c.pm && c.hour < 12 {
		c.hour += 12
	}
	return c.resolve(c.loc), true
}

// resolveYearDay is resolve for patterns with a day of the year.
func (c *clock) resolveYearDay() (int64, bool) {
	days := 365
	if daysInMonth(c.year, 2) == 29 {
		days = 366
	}
	if c.yearDay > days {
		return 0, false
	}
	c.month, c.day = 1, 1
	for c.yearDay > daysInMonth(c.year, c.month) {
		c.yearDay -= daysInMonth(c.year, c.month)
		c.month++
	}
	c.day = c.yearDay
	if c.pm && c.hour < 12 {
		c.hour += 12
	}
	return c.resolve(c.loc), true
}

// parseFixed reads a text whose parts all have their usual width. False may
// only mean that some part is written otherwise.
func (p *Pattern) parseFixed(b []byte, c *clock) bool {
	i := 0
	for k := range p.ops {
		op := &p.ops[k]
		v := 0
		switch op.letter {
		case 0:
			if string(b[i:i+len(op.literal)]) != op.literal {
				return false
			}
			i += len(op.literal)
			continue
		case 'y', 'Y', 'u':
			v = four(b, i)
			i += 4
		default:
			v = two(b, i)
			i += 2
		}
		if v < 0 || !c.set(op.letter, v) {
			return false
		}
	}
	return true
}

// parse reads a text part by part.
func (p *Pattern) parse(b []byte, c *clock) bool {
	i := 0
	for k := range p.ops {
		if i = p.ops[k].read(b, i, c); i < 0 {
			return false
		}
	}
	return i == len(b)
}

// read reads the part at i and returns the position after it, -1 if it is not
// there.
func (op *patternOp) read(b []byte, i int, c *clock) int {
	switch op.letter {
	case 0:
		if len(b)-i < len(op.literal) || string(b[i:i+len(op.literal)]) != op.literal {
			return -1
		}
		return i + len(op.literal)
	case 'S':
		end := min(digits(b, i), i+op.max)
		if end-i < op.min {
			return -1
		}
		return c.readFraction(b[:end], i)
	case 'L', 'a', 'E':
		return op.readWord(b, i, c)
	case 'z':
		return c.readZone(b, i)
	case 'Z', 'X':
		return c.readOffset(b, i)
	}
	return op.readNumber(b, i, c)
}

func (op *patternOp) readNumber(b []byte, i int, c *clock) int {
	v, start := 0, i
	for i < len(b) && i-start < op.max && isDigit(b[i]) {
		v = v*10 + int(b[i]-'0')
		i++
	}
	if i-start < op.min {
		return -1
	}
	if op.letter|0x20 == 'y' && op.min == 2 && i-start == 2 {
		v += 1900
		if v < 1970 {
			v += 100
		}
	}
	if !c.set(op.letter, v) {
		return -1
	}
	return i
}

// set stores a number, false if it is out of the letter's range.
func (c *clock) set(letter byte, v int) bool {
	switch letter {
	case 'y', 'Y', 'u':
		c.year = v
		return v >= 1 && v <= 9999
	case 'M':
		c.month = v
	case 'd':
		c.day = v
	case 'D':
		c.yearDay = v
		return v >= 1
	case 'H':
		c.hour = v
		return v <= 23
	case 'k':
		c.hour = v % 24
		return v >= 1 && v <= 24
	case 'K':
		c.hour = v
		return v <= 11
	case 'h':
		c.hour = v % 12
		return v >= 1 && v <= 12
	case 'm':
		c.minute = v
		return v <= 59
	case 's':
		c.second = v
		return v <= 59
	}
	return true // month and day are checked together
}

var (
	monthNames = []string{"january", "february", "march", "april", "may", "june", "july",
		"august", "september", "october", "november", "december"}
	dayNames = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
)

// readWord reads the name of a month or day, or AM/PM.
func (op *patternOp) readWord(b []byte, i int, c *clock) int {
	end := i
	for end < len(b) && b[end]|0x20 >= 'a' && b[end]|0x20 <= 'z' {
		end++
	}
	word := b[i:end]
	switch op.letter {
	case 'a':
		c.pm = foldEqual(word, "pm")
		if !c.pm && !foldEqual(word, "am") {
			return -1
		}
	case 'L':
		c.month = nameIndex(monthNames, word) + 1
		if c.month == 0 {
			return -1
		}
	default:
		if nameIndex(dayNames, word) < 0 {
			return -1
		}
	}
	return end
}

// nameIndex finds a name or its first three letters, -1 if it is none.
func nameIndex(names []string, word []byte) int {
	for i, n := range names {
		if foldEqual(word, n) || foldEqual(word, n[:3]) {
			return i
		}
	}
	return -1
}

// foldEqual compares ASCII text with a lower-case word.
func foldEqual(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i := range b {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// zoneAbbreviations are the zone names that Java and PostgreSQL read as fixed
// offsets, in seconds.
var zoneAbbreviations = map[string]int{
	"UTC": 0, "GMT": 0, "UT": 0, "Z": 0, "WET": 0,
	"EST": -5 * 3600, "EDT": -4 * 3600, "CST": -6 * 3600, "CDT": -5 * 3600,
	"MST": -7 * 3600, "MDT": -6 * 3600, "PST": -8 * 3600, "PDT": -7 * 3600,
	"BST": 3600, "WEST": 3600, "CET": 3600, "CEST": 2 * 3600, "EET": 2 * 3600,
	"EEST": 3 * 3600, "MSK": 3 * 3600, "JST": 9 * 3600,
}

// readZone reads a zone's abbreviation, IANA name or GMT±hh:mm.
func (c *clock) readZone(b []byte, i int) int {
	end := i
	for end < len(b) && (b[end]|0x20 >= 'a' && b[end]|0x20 <= 'z' || b[end] == '/' || b[end] == '_') {
		end++
	}
	name := b[i:end]
	if end < len(b) && (b[end] == '+' || b[end] == '-') && (end == i || string(name) == "GMT" || string(name) == "UTC") {
		c.hasOffset = true
		return c.readSigned(b, end)
	}
	if secs, ok := zoneAbbreviations[string(name)]; ok {
		c.hasOffset, c.offset = true, secs
		return end
	}
	loc := namedZone(string(name))
	if loc == nil {
		return -1
	}
	c.loc = loc
	return end
}

// zones caches what namedZone found; it holds at most the few hundred names of
// the zone database.
var zones sync.Map

func namedZone(name string) *time.Location {
	if v, ok := zones.Load(name); ok {
		return v.(*time.Location)
	}
	if !strings.Contains(name, "/") { // "Local" must not depend on the host
		return nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	zones.Store(name, loc)
	return loc
}
