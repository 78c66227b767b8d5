package catalog

import (
	"sync"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/fn"
)

// firstProcOID numbers the functions that get no object id of PostgreSQL's.
const firstProcOID = 100_000

// proc is a row of pg_proc.
type proc struct {
	oid      uint32
	name     string
	kind     string // f or a
	args     []schema.Type
	ret      schema.Type
	set      bool
	strict   bool
	variadic bool
	volatile string
}

type procTable struct {
	list   []proc
	byName map[string]uint32
	byOID  map[uint32]string
}

// procs lists the functions: those that read and print types, with
// PostgreSQL's object ids, then those of the query engine.
var procs = sync.OnceValue(func() *procTable {
	p := &procTable{byName: map[string]uint32{}, byOID: map[uint32]string{}}
	for _, t := range pgTypes() {
		for k := typeFuncs; k+1 < len(t.f); k += 2 {
			if oid := uint32(t.num(k)); oid != 0 && p.byOID[oid] == "" {
				p.add(proc{oid: oid, name: t.f[k+1], kind: "f", strict: true, volatile: "i"})
			}
		}
	}
	next := uint32(firstProcOID)
	for _, name := range fn.Names() {
		for _, f := range fn.Overloads(name) {
			if !isWord(name) {
				break
			}
			p.add(proc{oid: next, name: name, kind: "f", args: f.Args, ret: f.Ret, set: f.Set, strict: !f.NullCall,
				variadic: f.Variadic, volatile: string("isv"[f.Volatility])})
			next++
		}
	}
	for _, name := range agg.Names() {
		p.add(proc{oid: next, name: name, kind: "a", volatile: "i"})
		next++
	}
	return p
})

func isWord(name string) bool {
	c := name[0]
	return c == '_' || c >= 'a' && c <= 'z'
}

func (p *procTable) add(x proc) {
	p.list = append(p.list, x)
	p.byOID[x.oid] = x.name
	if _, known := p.byName[x.name]; !known {
		p.byName[x.name] = x.oid
	}
}

// procTypeOID is the object id of an argument type; the pseudo types of
// functions over any type are shown as "any" and anyarray.
func procTypeOID(t schema.Type) uint32 {
	switch {
	case t.ID != schema.TypeInvalid:
		return t.OID()
	case t.List:
		return 2277
	}
	return 2276
}

func procRows(_ *Catalog, _ *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "oid", "proname", "prokind", "prorettype", "proretset", "proisstrict", "provolatile", "pronargs",
		"proargtypes", "provariadic", "prosrc")
	for _, p := range procs().list {
		args := make([]uint32, len(p.args))
		for i, a := range p.args {
			args[i] = procTypeOID(a)
		}
		variadic := uint32(0)
		if p.variadic {
			variadic = args[len(args)-1]
		}
		ret := uint32(2276)
		if p.ret.ID != schema.TypeInvalid {
			ret = p.ret.OID()
		}
		r.add(p.oid, p.name, p.kind, ret, p.set, p.strict, p.volatile, len(args), args, variadic, p.name)
	}
	return r.done(map[string]any{
		"pronamespace": oidPgCatalog, "proowner": oidOwner, "prolang": 12, "procost": 1, "prorows": 0, "prosupport": 0,
		"prosecdef": false, "proleakproof": false, "proparallel": "s", "pronargdefaults": 0,
	})
}

// operatorRows lists the operators of the query engine.
func operatorRows(_ *Catalog, _ *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "oid", "oprname", "oprkind", "oprleft", "oprright", "oprresult")
	next := uint32(firstProcOID)
	for _, name := range fn.Names() {
		if isWord(name) {
			continue
		}
		for _, f := range fn.Overloads(name) {
			left, right, kind := uint32(0), uint32(0), "b"
			switch len(f.Args) {
			case 1:
				kind, right = "l", procTypeOID(f.Args[0])
			case 2:
				left, right = procTypeOID(f.Args[0]), procTypeOID(f.Args[1])
			}
			r.add(next, name, kind, left, right, procTypeOID(f.Ret))
			next++
		}
	}
	return r.done(map[string]any{
		"oprnamespace": oidPgCatalog, "oprowner": oidOwner, "oprcanmerge": false, "oprcanhash": false,
		"oprcom": 0, "oprnegate": 0, "oprcode": 0, "oprrest": 0, "oprjoin": 0,
	})
}

// castRows lists the conversions between types.
func castRows(_ *Catalog, _ *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "oid", "castsource", "casttarget", "castcontext")
	next := uint32(firstProcOID)
	for _, from := range fn.AllTypes() {
		for _, to := range fn.AllTypes() {
			if from == to || from.ID == schema.TypeUnknown || !fn.CanCast(from, to, true) {
				continue
			}
			context := "e"
			switch {
			case fn.CanCast(from, to, false):
				context = "i"
			case fn.CanAssign(from, to):
				context = "a"
			}
			r.add(next, from.OID(), to.OID(), context)
			next++
		}
	}
	return r.done(map[string]any{"castfunc": 0, "castmethod": "i"})
}
