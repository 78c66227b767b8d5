package catalog

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// entry is a table as SQL names it: one name for both halves of a hybrid table.
type entry struct {
	name     string
	table    *schema.Table // the half that an unqualified name reads
	realtime *schema.Table // nil when there is none
	offline  *schema.Table
	oid      uint32
}

// The object ids of a table are 8 apart: the table, the index of its primary
// key, the constraint.
const oidsPerTable = 8

func tableOID(id uint32) uint32 { return firstUserOID + id*oidsPerTable }

func (e *entry) indexOID() uint32      { return e.oid + 1 }
func (e *entry) constraintOID() uint32 { return e.oid + 2 }

// keyed reports whether the table has a primary key to show.
func (e *entry) keyed() bool { return len(e.table.Schema.PrimaryKey) > 0 }

// keyColumns returns the column numbers of the primary key.
func (e *entry) keyColumns() []int16 {
	var out []int16
	for _, k := range e.table.Schema.PrimaryKey {
		out = append(out, int16(e.table.Schema.Index(k)+1))
	}
	return out
}

// snapshot is the catalog for one set of tables. It is immutable but for the
// rows that it keeps once they are made.
type snapshot struct {
	version uint64
	entries []*entry // by name
	exact   map[string]*entry
	folded  map[string][]*entry // by lower-case name
	byOID   map[uint32]*entry   // by the table's, index's and constraint's id

	mu   sync.Mutex // guards rows
	rows map[*relDef]*column.Batch
}

func newSnapshot(tables []*schema.Table, version uint64) *snapshot {
	s := &snapshot{
		version: version, exact: map[string]*entry{}, folded: map[string][]*entry{},
		byOID: map[uint32]*entry{}, rows: map[*relDef]*column.Batch{},
	}
	for _, t := range tables {
		s.add(t)
	}
	slices.SortFunc(s.entries, func(a, b *entry) int { return cmp.Compare(a.name, b.name) })
	for _, e := range s.entries {
		low := strings.ToLower(e.name)
		s.folded[low] = append(s.folded[low], e)
		s.byOID[e.oid] = e
		if e.keyed() {
			s.byOID[e.indexOID()], s.byOID[e.constraintOID()] = e, e
		}
	}
	return s
}

func (s *snapshot) add(t *schema.Table) {
	e := s.exact[t.Name]
	if e == nil {
		e = &entry{name: t.Name, oid: tableOID(t.ID)}
		s.exact[t.Name] = e
		s.entries = append(s.entries, e)
	}
	e.oid = min(e.oid, tableOID(t.ID))
	if t.Type == schema.Offline {
		e.offline = t
	} else {
		e.realtime = t
	}
	e.table = e.realtime
	if e.table == nil {
		e.table = e.offline
	}
}

// find resolves a name of a table: exact when quoted; otherwise the exact
// lower-case match, else the only one that differs by case. x_REALTIME and
// x_OFFLINE name one half of x.
func (s *snapshot) find(name string, quoted bool) (*entry, *schema.Table) {
	if e := s.findEntry(name, quoted); e != nil {
		return e, e.table
	}
	for _, half := range []schema.TableType{schema.Realtime, schema.Offline} {
		suffix := "_" + string(half)
		n := len(name) - len(suffix)
		if n <= 0 || !strings.EqualFold(name[n:], suffix) || quoted && name[n:] != suffix {
			continue
		}
		e := s.findEntry(name[:n], quoted)
		switch {
		case e == nil:
		case half == schema.Realtime && e.realtime != nil:
			return e, e.realtime
		case half == schema.Offline && e.offline != nil:
			return e, e.offline
		}
	}
	return nil, nil
}

func (s *snapshot) findEntry(name string, quoted bool) *entry {
	if quoted {
		return s.exact[name]
	}
	low := strings.ToLower(name)
	if e := s.exact[low]; e != nil {
		return e
	}
	if l := s.folded[low]; len(l) == 1 {
		return l[0]
	}
	return nil
}

// cached returns the rows of a relation, made at most once.
func (s *snapshot) cached(d *relDef, build func() *column.Batch) *column.Batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.rows[d]; b != nil {
		return b
	}
	b := build()
	s.rows[d] = b
	return b
}
