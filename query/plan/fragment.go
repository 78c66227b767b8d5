package plan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// Fragment is what a broker sends to a server: a leaf, the segments to run it
// over, and the surroundings that its expressions may ask for.
type Fragment struct {
	// Leaf is decoded with a Table that has only ID, Version, Name and Type,
	// and without names of output columns: a server knows its tables by id.
	Leaf     *Leaf
	Segments []string
	// NowMicros is the statement's time, µs UTC.
	NowMicros int64
	Zone      string // the session's TimeZone
	Dialect   fn.Dialect
	User      string
	// Settings are the session settings that change results.
	Settings map[string]string
	Trace    bool
	// MemoryLimit bounds the bytes of the fragment's groups and buffers; 0
	// means the server's own limit.
	MemoryLimit int64
	// TimeoutMicros is the time left when the fragment was sent; 0 means none.
	TimeoutMicros int64
	// Snapshot says which rows of a partition are visible; partitions that are
	// not named are visible as far as the server has them.
	Snapshot []SnapshotMark
	// Wanted, when not nil, tells that the fragment reads every segment of an
	// aggregating leaf: the server finishes the groups and gives what is
	// wanted of them, in the columns of FinishedColumns.
	Wanted *Wanted
}

// SnapshotMark ends a partition at a row sequence number: rows with _seq >= Seq
// are not visible.
type SnapshotMark struct {
	Partition uint32
	Seq       uint64
}

// Context returns the context in which the fragment's expressions are
// evaluated, without a context.Context.
func (f *Fragment) Context() *fn.Context {
	return &fn.Context{NowMicros: f.NowMicros, Zone: f.Zone, Dialect: f.Dialect, User: f.User}
}

// ErrFragment is returned by DecodeFragment for bytes that are no fragment of
// a version that this binary reads.
var ErrFragment = errors.New("malformed query fragment")

// fragmentVersion is the first byte of an encoded fragment.
const fragmentVersion = 2

// EncodeFragment returns the fragment in its binary form: the version, the
// leaf as AppendLeaf writes it with its length before it, then the other
// fields in the order of the struct, maps by rising key. Equal fragments give
// equal bytes.
func EncodeFragment(f *Fragment) ([]byte, error) {
	leaf, err := AppendLeaf(nil, f.Leaf)
	if err != nil {
		return nil, err
	}
	w := encoder{dst: make([]byte, 0, len(leaf)+64+24*len(f.Segments))}
	w.byte(fragmentVersion)
	w.byte(byte(f.Dialect))
	w.uvarint(uint64(len(leaf)))
	w.dst = append(w.dst, leaf...)
	w.strings(f.Segments)
	w.varint(f.NowMicros)
	w.string(f.Zone)
	w.string(f.User)
	w.settings(f.Settings)
	w.bool(f.Trace)
	w.varint(f.MemoryLimit)
	w.varint(f.TimeoutMicros)
	w.uvarint(uint64(len(f.Snapshot)))
	for _, m := range f.Snapshot {
		w.uvarint(uint64(m.Partition))
		w.uvarint(m.Seq)
	}
	w.bool(f.Wanted != nil)
	if f.Wanted != nil {
		w.wanted(f.Wanted)
	}
	return w.dst, w.err
}

// DecodeFragment reads what EncodeFragment wrote.
func DecodeFragment(src []byte) (*Fragment, error) {
	d := decoder{src: src}
	if v := d.byte(); v != fragmentVersion {
		return nil, fmt.Errorf("%w: version %d", ErrFragment, v)
	}
	d.dialect = fn.Dialect(d.byte())
	if d.dialect > fn.Pinot {
		d.fail("dialect %d", d.dialect)
	}
	f := &Fragment{Dialect: d.dialect}
	leaf := decoder{src: d.take(d.length(1)), dialect: d.dialect}
	f.Leaf = leaf.leaf()
	d.join(&leaf)
	f.Segments = d.strings()
	f.NowMicros = d.varint()
	f.Zone, f.User = d.string(), d.string()
	f.Settings = d.settings()
	f.Trace = d.bool()
	f.MemoryLimit, f.TimeoutMicros = d.varint(), d.varint()
	for range d.length(2) {
		f.Snapshot = append(f.Snapshot, SnapshotMark{Partition: d.uint32(), Seq: d.uvarint()})
	}
	if d.bool() && d.err == nil {
		f.Wanted = d.wanted(f.Leaf)
	}
	if len(d.src) != 0 {
		d.fail("%d bytes follow", len(d.src))
	}
	if d.err != nil {
		return nil, d.err
	}
	return f, nil
}

// join takes over the error of a decoder for a part, which must be used up.
func (d *decoder) join(part *decoder) {
	if part.err == nil && len(part.src) != 0 {
		part.fail("%d bytes follow the leaf", len(part.src))
	}
	if part.err != nil && d.err == nil {
		d.err = part.err
	}
}

// AppendLeaf appends the canonical form of a leaf: what decides its answer
// over a segment, without names of output columns.
func AppendLeaf(dst []byte, l *Leaf) ([]byte, error) {
	w := encoder{dst: dst}
	w.uvarint(uint64(l.Table.ID))
	w.uvarint(uint64(l.Table.Version))
	w.string(l.Table.Name)
	w.string(string(l.Table.Type))
	w.uvarint(uint64(len(l.Cols)))
	for i := range l.Cols {
		c := &l.Cols[i]
		w.uvarint(uint64(c.ID))
		w.string(c.Name)
		w.typ(c.Type)
		w.string(c.Pseudo)
	}
	w.optional(l.Filter)
	w.bool(l.Aggregate)
	if l.Aggregate {
		w.exprs(l.GroupBy)
		w.aggs(l.Aggs)
	} else {
		w.exprs(l.Output)
		w.keys(l.OrderBy)
	}
	w.varint(l.Limit)
	return w.dst, w.err
}

func (d *decoder) leaf() *Leaf {
	l := &Leaf{Table: &schema.Table{}}
	l.Table.ID, l.Table.Version = d.uint32(), d.uint32()
	l.Table.Name = d.string()
	l.Table.Type = schema.TableType(d.string())
	for range d.length(4) {
		l.Cols = append(l.Cols, LeafCol{ID: d.uint32(), Name: d.string(), Type: d.typ(), Pseudo: d.string()})
	}
	d.cols = l.Cols
	l.Filter = d.optional()
	if l.Aggregate = d.bool(); l.Aggregate {
		l.GroupBy = d.exprs()
		l.Aggs = d.aggs()
	} else {
		l.Output = d.exprs()
		l.OrderBy = d.keys()
	}
	l.Limit = d.varint()
	if d.err == nil {
		l.Out = leafColumns(l)
	}
	return l
}

// leafColumns describes the output of a leaf by its types; names come from
// OutNames where there are any.
func leafColumns(l *Leaf) []OutCol {
	var out []OutCol
	add := func(t schema.Type) {
		c := OutCol{Type: t}
		if len(out) < len(l.OutNames) {
			c.Name = l.OutNames[len(out)]
		}
		out = append(out, c)
	}
	if !l.Aggregate {
		for _, e := range l.Output {
			add(e.Type())
		}
		return out
	}
	for _, e := range l.GroupBy {
		add(e.Type())
	}
	for i := range l.Aggs {
		for _, t := range l.Aggs[i].Spec.StateTypes() {
			add(t)
		}
	}
	return out
}

func (w *encoder) settings(m map[string]string) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	w.uvarint(uint64(len(keys)))
	for _, k := range keys {
		w.string(k)
		w.string(m[k])
	}
}

func (d *decoder) settings() map[string]string {
	n := d.length(2)
	if n == 0 {
		return nil
	}
	m := make(map[string]string, n)
	prev := ""
	for i := range n {
		k := d.string()
		if i > 0 && k <= prev {
			d.fail("settings out of order")
		}
		prev = k
		m[k] = d.string()
	}
	return m
}

func (w *encoder) strings(list []string) {
	w.uvarint(uint64(len(list)))
	for _, s := range list {
		w.string(s)
	}
}

func (d *decoder) strings() []string {
	n := d.length(1)
	if n == 0 {
		return nil
	}
	out := make([]string, 0, n)
	for range n {
		out = append(out, d.string())
	}
	return out
}

func (w *encoder) byte(b byte)      { w.dst = append(w.dst, b) }
func (w *encoder) uvarint(x uint64) { w.dst = binary.AppendUvarint(w.dst, x) }
func (w *encoder) varint(x int64)   { w.dst = binary.AppendVarint(w.dst, x) }
func (w *encoder) string(s string)  { w.uvarint(uint64(len(s))); w.dst = append(w.dst, s...) }
func (w *encoder) bool(b bool) {
	if b {
		w.byte(1)
	} else {
		w.byte(0)
	}
}
