package exec

import (
	"sync"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// domainKey names a column as leaves see it.
type domainKey struct {
	table, col uint32
	typ        schema.Type
}

// domains keeps, for dictionary columns that queries group or count by, one
// numbering of the values of all segments. Without it each query would look up
// the values of each segment's dictionary anew, which for a hundred thousand of
// them takes longer than the scan. It is safe for concurrent use.
type domains struct {
	limit int64 // bytes
	mu    sync.Mutex
	byKey map[domainKey]*domain
	bytes int64
	clock uint64
}

// domain numbers the values of one column. Numbers are only ever added, so that
// a reader's copy of the dictionary's header stays true.
type domain struct {
	mu     sync.Mutex
	dict   *keyDict
	tables map[*segment.Identity]*codeTable
	shares uint64 // calls of share so far
	// merged numbers dictionaries of which dict would take too much memory;
	// refused is the number of values of dictionaries that proved to, 0 for none.
	merged  *dictUnion
	refused int

	// Guarded by domains.mu:
	held int64 // as counted in domains.bytes
	used uint64
}

// codeTable is the code of each dictionary id of one segment, with that of NULL
// rows last. It is read-only.
type codeTable struct {
	codes []uint32
	// ascends tells that the code of every id is one more than the id.
	ascends bool
	used    uint64 // domain.shares at the last use
}

func newCodeTable(codes []uint32) *codeTable {
	t := &codeTable{codes: codes, ascends: true}
	for id, c := range codes[:len(codes)-1] {
		if c != uint32(id)+1 {
			t.ascends = false
			break
		}
	}
	return t
}

// defaultDomainBytes bounds the memory of all domains of an engine.
const defaultDomainBytes = 256 << 20

// dictOf is the dictionary of one segment for a domain.
type dictOf struct {
	identity *segment.Identity
	vals     *column.Vector
	ordered  bool // values ascend with the id, bytewise
}

// share returns a dictionary of at least the values of all dicts and the codes
// of their ids. Codes that are not known yet are looked up only if build is
// set. It returns nil when they are not, when a dictionary has no identity, when
// the domain would take too much memory, or when stop, which is asked now and
// then, says so.
func (ds *domains) share(key domainKey, dicts []dictOf, build bool, stop func() bool) (*keyDict, []*codeTable) {
	total := 0
	for i := range dicts {
		if dicts[i].identity == nil {
			return nil, nil
		}
		total += dicts[i].vals.N
	}
	d := ds.domain(key)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shares++
	if !d.knows(dicts) {
		if !build || estimatedBytes(dicts) > ds.limit/2 || d.refused > 0 && total >= d.refused {
			return nil, nil
		}
		d.forget(total)
		if !d.build(dicts, ds.limit/2, stop) {
			if !stop() {
				d.refused = total
			}
			ds.account(key, d)
			return nil, nil
		}
	}
	tables := make([]*codeTable, len(dicts))
	for i := range dicts {
		tables[i] = d.table(&dicts[i])
	}
	d.expire(len(dicts))
	ds.account(key, d)
	return d.snapshot(), tables
}

// estimatedBytes is the least that the codes and values of dictionaries may take
// while they are numbered.
func estimatedBytes(dicts []dictOf) int64 {
	var values, codes int64
	for i := range dicts {
		values = max(values, dicts[i].vals.MemoryBytes()+int64(dicts[i].vals.N)*16)
		codes += int64(dicts[i].vals.N) * 4
	}
	return 2*values + codes
}

// domain returns the domain of a column, a new one at first.
func (ds *domains) domain(key domainKey) *domain {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	d := ds.byKey[key]
	if d == nil {
		d = &domain{dict: newKeyDict(key.typ), tables: map[*segment.Identity]*codeTable{}}
		if ds.byKey == nil {
			ds.byKey = map[domainKey]*domain{}
		}
		ds.byKey[key] = d
	}
	ds.clock++
	d.used = ds.clock
	return d
}

// account notes the memory of d, which the caller has locked, and drops the
// domains that were not used for longest while there is too much. Leaves that
// use one keep what they hold.
func (ds *domains) account(key domainKey, d *domain) {
	held := d.bytes()
	if d.merged != nil {
		held += d.merged.held()
	}
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.byKey[key] != d { // dropped meanwhile
		return
	}
	ds.bytes += held - d.held
	d.held = held
	for ds.bytes > ds.limit && len(ds.byKey) > 0 {
		ds.dropOldest()
	}
}

func (ds *domains) dropOldest() {
	var oldest domainKey
	first := true
	for key, d := range ds.byKey {
		if first || d.used < ds.byKey[oldest].used {
			oldest, first = key, false
		}
	}
	ds.bytes -= ds.byKey[oldest].held
	delete(ds.byKey, oldest)
}

// knows reports whether the codes of all dictionaries are there.
func (d *domain) knows(dicts []dictOf) bool {
	for i := range dicts {
		t := d.tables[dicts[i].identity]
		if t == nil || len(t.codes) <= dicts[i].vals.N {
			return false
		}
	}
	return true
}

// staleFactor is how many times more values a domain may have than the
// segments in use before it is begun anew.
const staleFactor = 4

// forget begins anew when most values seem to be those of segments that are
// gone; total is the number of values of all dictionaries in use.
func (d *domain) forget(total int) {
	if d.dict.vals.N > 4096 && d.dict.vals.N > staleFactor*total {
		d.clear()
	}
}

func (d *domain) clear() {
	d.dict, d.tables = newKeyDict(d.dict.vals.Type), map[*segment.Identity]*codeTable{}
}

// table returns the codes of a dictionary's ids, looking up those that are new.
func (d *domain) table(of *dictOf) *codeTable {
	n := of.vals.N
	t := d.tables[of.identity]
	switch {
	case t == nil:
		t = newCodeTable(d.lookUp(make([]uint32, 0, n+1), of.vals))
	case len(t.codes) <= n: // the dictionary has grown
		codes := append(make([]uint32, 0, n+1), t.codes[:len(t.codes)-1]...)
		t = newCodeTable(d.lookUp(codes, of.vals))
	case len(t.codes) > n+1: // an older view of it
		codes := append(make([]uint32, 0, n+1), t.codes[:n]...)
		t.used = d.shares
		return newCodeTable(append(codes, 0))
	}
	t.used = d.shares
	d.tables[of.identity] = t
	return t
}

// lookUp appends the codes of the values from len(codes) on, and that of NULL.
func (d *domain) lookUp(codes []uint32, v *column.Vector) []uint32 {
	for id := len(codes); id < v.N; id++ {
		codes = append(codes, d.dict.code(v, id))
	}
	return append(codes, 0)
}

// expire drops the codes of segments that seem to be gone, when there are many
// more than are in use.
func (d *domain) expire(inUse int) {
	n := len(d.tables)
	if n <= 4*inUse+64 {
		return
	}
	for id, t := range d.tables {
		if t.used+uint64(n) < d.shares {
			delete(d.tables, id)
		}
	}
}

// snapshot returns the dictionary as it is now, to be read only.
func (d *domain) snapshot() *keyDict {
	vals := *d.dict.vals
	return &keyDict{vals: &vals, borrowed: true}
}
