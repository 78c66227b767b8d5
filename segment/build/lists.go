package build

import (
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/index"
)

// elementPlan is how the elements of a list column shall be stored.
type elementPlan struct{ dict, noDict bool }

// planList turns what the config asks of a list column into what its elements
// shall have: lists have no dictionary themselves.
func (p *plan) planList() error {
	f := p.field
	p.elements = elementPlan{dict: p.dict, noDict: p.noDict}
	p.dict, p.noDict = false, true
	switch {
	case p.sorted:
		return segment.Unsupportedf("sorting by column %q of type %v", f.Name, f.Type)
	case p.elements.dict && (p.elements.noDict || noDictKind(f.Type.Elem().Kind())):
		return segment.Unsupportedf("dictionary or inverted index of column %q of type %v or without dictionary", f.Name, f.Type)
	}
	return nil
}

// list stores where each list begins, the elements as a column of their own,
// and the documents of each element if they are asked for.
func (e *encoded) list(d *data, p *plan) error {
	v := d.values
	e.entry.Meta.Encoding = segment.EncodingRaw
	starts := make([]int64, d.n+1)
	for i := range starts {
		starts[i] = int64(v.Offsets[i] - v.Offsets[0])
	}
	e.buffer(format.RoleOffsets, encoding.AppendFOR(nil, starts))
	elems, err := elements(v)
	if err != nil {
		return err
	}
	field := schema.Field{Name: p.field.Name, Type: d.typ.Elem(), Role: p.field.Role}
	child, err := encode(elems, &plan{
		field: &field, dict: p.elements.dict, noDict: p.elements.noDict, codec: p.codec, hasCodec: p.hasCodec,
	})
	e.child, e.entry.ChildRows = child, uint32(elems.n)
	if err != nil || !p.inverted || elems.dict == nil || elems.allNull {
		return err
	}
	e.buffer(format.RoleInverted, index.AppendInvertedLists(nil, elems.ids, starts, elems.dict.N, elems.isNull()))
	return nil
}
