package build

import (
	"errors"

	"github.com/alluviumdb/alluvium/internal/jsonmatch"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/index"
)

// planJSON reads the options of the JSON index of a field, nil if it has none.
func planJSON(f *schema.Field, ix *schema.IndexingConfig) (*segment.JSONOptions, error) {
	c, ok := ix.JSON[f.Name]
	if !ok {
		return nil, nil
	}
	if err := schema.CheckJSONIndex(f.Type); err != nil {
		return nil, segment.Unsupportedf("JSON index of column %q: %v", f.Name, err)
	}
	o := &segment.JSONOptions{MaxLevels: c.MaxLevels, ExcludeArrays: c.ExcludeArrays, ExcludeFields: c.ExcludeFields}
	var err error
	if o.Include, err = pathKeys(c.IncludePaths); err != nil {
		return nil, err
	}
	o.Exclude, err = pathKeys(c.ExcludePaths)
	return o, err
}

func pathKeys(paths []string) ([]string, error) {
	var keys []string
	for _, s := range paths {
		p, err := jsonmatch.ParsePath(s)
		if err != nil {
			return nil, err
		}
		keys = append(keys, p.Key())
	}
	return keys, nil
}

// json writes the JSON index of a column. A column of one value needs none, and
// documents of too many parts for the format get none: both are answered from
// the documents.
func (e *encoded) json(d *data, p *plan) error {
	if p.json == nil || e.entry.Meta.Encoding == segment.EncodingConst {
		return nil
	}
	b := index.NewJSONBuilder(*p.json)
	err := addDocuments(b, d)
	if errors.Is(err, index.ErrIndexTooLarge) {
		return nil
	}
	if err != nil {
		return err
	}
	buf, err := b.Append(nil)
	if err == nil {
		e.buffer(format.RoleJSON, buf)
	}
	return err
}

func addDocuments(b *index.JSONBuilder, d *data) error {
	nulls := d.nullBits()
	if d.dict != nil {
		forms := make([][][]uint32, d.dict.N)
		for i := range forms {
			forms[i] = b.Flatten(d.dict.Bytes(i))
		}
		for i, id := range d.ids {
			f := forms[id]
			if nulls.Get(i) {
				f = nil
			}
			if err := b.AddForms(f); err != nil {
				return err
			}
		}
		return nil
	}
	for i := range d.n {
		forms := [][]uint32(nil)
		if !nulls.Get(i) {
			forms = b.Flatten(d.values.Bytes(i))
		}
		if err := b.AddForms(forms); err != nil {
			return err
		}
	}
	return nil
}
