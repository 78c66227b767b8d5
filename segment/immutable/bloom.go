package immutable

import (
	"fmt"
	"sync"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/index"
)

// lazyBloom is a Bloom filter that is checked at its first use.
type lazyBloom struct {
	once   sync.Once
	filter *index.Bloom
	err    error
}

var _ segment.BloomReader = (*Segment)(nil)

// Bloom implements segment.BloomReader.
func (s *Segment) Bloom(columnID uint32) (segment.BloomFilter, error) {
	i, ok := s.byID[columnID]
	if !ok || s.footer.Columns[i].Buffer(format.RoleBloom) == nil {
		return nil, nil
	}
	if s.refs.Load() <= 0 {
		return nil, segment.ErrClosed
	}
	l := &s.columns[i].bloom
	l.once.Do(func() { l.filter, l.err = s.openBloom(&s.footer.Columns[i]) })
	if l.err != nil {
		return nil, l.err
	}
	return l.filter, nil
}

func (s *Segment) openBloom(c *format.Column) (*index.Bloom, error) {
	raw, err := s.bytes(c.Buffer(format.RoleBloom))
	if err != nil {
		return nil, fmt.Errorf("column %q: %w", c.Meta.Name, err)
	}
	x, err := index.OpenBloom(raw)
	if err != nil {
		return nil, fmt.Errorf("column %q: %w", c.Meta.Name, err)
	}
	return x, nil
}

// checkBloom verifies that the filter lets every value of the column pass.
func (c *Column) checkBloom() error {
	x, err := c.seg.Bloom(c.meta.ID)
	if err != nil || x == nil {
		return err
	}
	if c.dict != nil {
		return checkHashes(x, c.dict.Values())
	}
	var v column.Vector
	for from := uint32(0); from < c.rows; from += segment.BlockRows {
		if err := c.Read(from, int(min(c.rows-from, segment.BlockRows)), &v); err != nil {
			return err
		}
		if err := checkHashes(x, v.Flatten()); err != nil {
			return err
		}
	}
	return nil
}

func checkHashes(x segment.BloomFilter, v *column.Vector) error {
	hashes := make([]uint64, v.N)
	segment.ValueHashes(v, hashes)
	for i, h := range hashes {
		if !v.IsNull(i) && !x.MayContain(h) {
			return segment.Corruptf("bloom filter lacks a value")
		}
	}
	return nil
}
