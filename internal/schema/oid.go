package schema

// byOID maps PostgreSQL's object ids to types, arrays included.
var byOID = func() map[uint32]Type {
	m := make(map[uint32]Type)
	for id, info := range typeTable {
		if info.oid == 0 {
			continue
		}
		t := Type{ID: TypeID(id)}
		if _, taken := m[info.oid]; !taken {
			m[info.oid] = t
		}
		if _, taken := m[info.arrayOID]; info.arrayOID != 0 && !taken {
			m[info.arrayOID] = t.AsList()
		}
	}
	return m
}()

// TypeByOID returns the type with that PostgreSQL object id.
func TypeByOID(oid uint32) (Type, bool) {
	t, ok := byOID[oid]
	return t, ok
}

// AsListIf returns t, or the array over it when list is true.
func (t Type) AsListIf(list bool) Type {
	if list {
		return t.AsList()
	}
	return t
}
