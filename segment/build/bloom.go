package build

import (
	"slices"

	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/index"
)

// bloom writes the Bloom filter of a column. A column of one value needs none:
// its range tells.
func (e *encoded) bloom(d *data, p *plan) {
	if p.bloom == nil || e.entry.Meta.Encoding == segment.EncodingConst {
		return
	}
	fpp := p.bloom.FPP
	if fpp == 0 {
		fpp = index.DefaultBloomFPP
	}
	hashes := d.distinctHashes()
	size := index.BloomSize(len(hashes), fpp, p.bloom.MaxBytes)
	e.buffer(format.RoleBloom, index.AppendBloom(nil, hashes, size))
}

// distinctHashes returns the hash of each distinct non-NULL value. The values
// form yields them sorted, which does not matter: a filter is a set.
func (d *data) distinctHashes() []uint64 {
	if d.dict != nil {
		hashes := make([]uint64, d.dict.N)
		segment.ValueHashes(d.dict, hashes)
		return hashes
	}
	hashes := make([]uint64, d.n)
	segment.ValueHashes(d.values, hashes)
	if nulls := d.nullBits(); nulls != nil {
		kept := hashes[:0]
		for i, h := range hashes {
			if !nulls.Get(i) {
				kept = append(kept, h)
			}
		}
		hashes = kept
	}
	slices.Sort(hashes)
	return slices.Compact(hashes)
}
