package segment

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Stats is what a broker needs to prune a segment: the time range and per
// column the bounds, NULLs and cardinality.
type Stats struct {
	NumDocs          uint32
	TimeColumn       uint32
	HasTime          bool
	MinTime, MaxTime int64
	Columns          []ColumnStats // by rising id
}

// ColumnStats describes one column. Min and Max bound the non-NULL values;
// they need not occur in the column when Truncated is set.
type ColumnStats struct {
	ID          uint32
	Type        schema.Type
	Nulls       uint32
	Cardinality uint32 // 0 means unknown
	HasRange    bool
	Truncated   bool
	Min, Max    column.Value
}

// Column returns the statistics of the column with that id, or nil. A segment
// without that column holds NULL in all its rows.
func (s *Stats) Column(id uint32) *ColumnStats {
	lo, hi := 0, len(s.Columns)
	for lo < hi {
		mid := (lo + hi) / 2
		if s.Columns[mid].ID < id {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(s.Columns) && s.Columns[lo].ID == id {
		return &s.Columns[lo]
	}
	return nil
}

// ErrStats is returned by DecodeStats for bytes that are no statistics.
var ErrStats = errors.New("malformed segment statistics")

const (
	statsVersion = 1
	// statsTextBytes is the length beyond which text bounds are truncated.
	statsTextBytes = 48

	statsHasTime = 1

	statsHasRange  = 1
	statsTruncated = 2
)

// EncodeStats returns the statistics of a segment in a compact form:
//
//	version, flags (1 byte each), then uvarints numDocs, timeColumn,
//	varints minTime, maxTime (if flagged), uvarint number of columns;
//	per column by rising id: uvarint id difference, flags byte, type,
//	uvarint nulls, uvarint cardinality, min and max (if flagged).
//
// Long text bounds are truncated so that they stay bounds.
func EncodeStats(m *Metadata) []byte {
	dst := []byte{statsVersion, 0}
	dst = binary.AppendUvarint(dst, uint64(m.NumDocs))
	dst = binary.AppendUvarint(dst, uint64(m.TimeColumn))
	if m.HasTime {
		dst[1] |= statsHasTime
		dst = binary.AppendVarint(dst, m.MinTime)
		dst = binary.AppendVarint(dst, m.MaxTime)
	}
	order := columnsByID(m.Columns)
	dst = binary.AppendUvarint(dst, uint64(len(order)))
	prev := uint32(0)
	for _, i := range order {
		c := &m.Columns[i]
		dst = binary.AppendUvarint(dst, uint64(c.ID-prev))
		prev = c.ID
		dst = appendColumnStats(dst, c)
	}
	return dst
}

// columnsByID returns the positions of the user's columns in order of their ids.
func columnsByID(cols []ColumnMeta) []int {
	order := make([]int, 0, len(cols))
	for i := range cols {
		if !Hidden(cols[i].ID) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(cols[a].ID, cols[b].ID) })
	return order
}

func appendColumnStats(dst []byte, c *ColumnMeta) []byte {
	lo, hi, cut, ok := TruncateBounds(c.Min, c.Max, statsTextBytes)
	var flags byte
	if c.HasRange && ok && c.Type.Kind() != schema.KindList {
		flags = statsHasRange
		if cut || c.Truncated {
			flags |= statsTruncated
		}
	}
	dst = append(dst, flags)
	dst = column.AppendType(dst, c.Type)
	dst = binary.AppendUvarint(dst, uint64(c.Nulls))
	dst = binary.AppendUvarint(dst, uint64(c.Cardinality))
	if flags&statsHasRange != 0 {
		dst = column.AppendValueOf(dst, lo)
		dst = column.AppendValueOf(dst, hi)
	}
	return dst
}

// TruncateBounds cuts bounds of bytes kinds to at most limit bytes so that
// they still bound: the lower becomes a prefix, the upper the smallest prefix
// successor. ok is false when no upper bound of that length exists. Other
// kinds are returned as they are.
func TruncateBounds(lo, hi column.Value, limit int) (l, h column.Value, cut, ok bool) {
	if lo.Type.Kind() != schema.KindBytes {
		return lo, hi, false, true
	}
	if len(lo.B) > limit {
		lo.B, cut = lo.B[:limit:limit], true
	}
	if len(hi.B) > limit {
		up := append([]byte(nil), hi.B[:limit]...)
		for len(up) > 0 && up[len(up)-1] == 0xff {
			up = up[:len(up)-1]
		}
		if len(up) == 0 {
			return lo, hi, true, false
		}
		up[len(up)-1]++
		hi.B, cut = up, true
	}
	return lo, hi, cut, true
}

// DecodeStats reads what EncodeStats wrote.
func DecodeStats(src []byte) (*Stats, error) {
	d := statsDecoder{src: src}
	s := d.stats()
	if d.err != nil {
		return nil, d.err
	}
	if len(d.src) != 0 {
		return nil, fmt.Errorf("%w: %d bytes follow", ErrStats, len(d.src))
	}
	return s, nil
}

// statsDecoder consumes src and remembers the first fault.
type statsDecoder struct {
	src []byte
	err error
}

func (d *statsDecoder) fail() {
	d.src = nil
	if d.err == nil {
		d.err = ErrStats
	}
}

func (d *statsDecoder) byte() byte {
	if len(d.src) == 0 {
		d.fail()
		return 0
	}
	b := d.src[0]
	d.src = d.src[1:]
	return b
}

func (d *statsDecoder) uint32() uint32 {
	v, n := binary.Uvarint(d.src)
	if n <= 0 || v > 1<<32-1 {
		d.fail()
		return 0
	}
	d.src = d.src[n:]
	return uint32(v)
}

func (d *statsDecoder) varint() int64 {
	v, n := binary.Varint(d.src)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.src = d.src[n:]
	return v
}

func (d *statsDecoder) value(t schema.Type) column.Value {
	v, n, err := column.DecodeValueOf(d.src, t)
	if err != nil || v.Null {
		d.fail()
		return v
	}
	d.src = d.src[n:]
	return v
}

func (d *statsDecoder) stats() *Stats {
	s := &Stats{}
	if v := d.byte(); v != statsVersion {
		d.fail()
		return s
	}
	flags := d.byte()
	s.NumDocs, s.TimeColumn = d.uint32(), d.uint32()
	if flags&statsHasTime != 0 {
		s.HasTime, s.MinTime, s.MaxTime = true, d.varint(), d.varint()
	}
	n := d.uint32()
	if uint64(n) > uint64(len(d.src)) { // a column takes at least five bytes
		d.fail()
		return s
	}
	s.Columns = make([]ColumnStats, 0, n)
	prev := uint32(0)
	for range n {
		c := ColumnStats{ID: prev + d.uint32()}
		if len(s.Columns) > 0 && c.ID <= prev {
			d.fail()
		}
		prev = c.ID
		d.column(&c)
		s.Columns = append(s.Columns, c)
		if d.err != nil {
			return s
		}
	}
	return s
}

func (d *statsDecoder) column(c *ColumnStats) {
	flags := d.byte()
	t, n, err := column.DecodeType(d.src)
	if err != nil {
		d.fail()
		return
	}
	d.src = d.src[n:]
	c.Type = t
	c.Nulls, c.Cardinality = d.uint32(), d.uint32()
	if flags&statsHasRange != 0 {
		c.HasRange, c.Truncated = true, flags&statsTruncated != 0
		c.Min, c.Max = d.value(t), d.value(t)
	}
}
