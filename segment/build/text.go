package build

import (
	"errors"
	"slices"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/index"
)

// planText reports whether a field shall have a text index.
func planText(f *schema.Field, ix *schema.IndexingConfig) (bool, error) {
	if !slices.Contains(ix.Text, f.Name) {
		return false, nil
	}
	if err := schema.CheckTextIndex(f.Type); err != nil {
		return false, segment.Unsupportedf("text index of column %q: %v", f.Name, err)
	}
	return true, nil
}

// text writes the text index of a column. A column of one value needs none, and
// one of too many words for the format gets none: both are answered from the
// texts.
func (e *encoded) text(d *data, p *plan) error {
	if !p.text || e.entry.Meta.Encoding == segment.EncodingConst {
		return nil
	}
	b := index.NewTextBuilder()
	nulls := d.nullBits()
	var words [][]uint32
	if d.dict != nil {
		words = make([][]uint32, d.dict.N)
		for i := range words {
			words[i] = b.Words(d.dict.Bytes(i))
		}
	}
	for i := range d.n {
		switch {
		case nulls.Get(i):
		case d.dict != nil:
			b.Add(uint32(i), words[d.ids[i]])
		default:
			b.Add(uint32(i), b.Words(d.values.Bytes(i)))
		}
	}
	buf, err := b.Append(nil)
	if errors.Is(err, index.ErrIndexTooLarge) {
		return nil
	}
	if err == nil {
		e.buffer(format.RoleText, buf)
	}
	return err
}
