package inspect

import (
	"context"
	"fmt"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/immutable"
)

// Verified tells what Verify went through.
type Verified struct {
	Docs    uint32 `json:"docs"`
	Columns int    `json:"columns"`
	Bytes   uint64 `json:"bytes"`
	CRC     uint32 `json:"crc"` // CRC32C of the whole file, as the builder returned it
}

// Verify reads a segment file completely: all checksums, the structure of
// every column and index, every value, and the row sum computed anew from the
// values. It returns an error of class segment.ErrCorrupt for any deviation.
func Verify(ctx context.Context, fsys vfs.FS, path string) (Verified, error) {
	s, err := immutable.Open(fsys, path, immutable.Options{VerifyAll: true})
	if err != nil {
		return Verified{}, err
	}
	defer s.Release()
	if err := checkRowSum(ctx, s); err != nil {
		return Verified{}, fmt.Errorf("segment %s: %w", path, err)
	}
	crc, err := fileCRC(fsys, path)
	if err != nil {
		return Verified{}, err
	}
	return Verified{
		Docs: s.NumDocs(), Columns: len(s.Metadata().Columns), Bytes: s.SizeBytes(), CRC: crc,
	}, nil
}

func fileCRC(fsys vfs.FS, path string) (uint32, error) {
	m, err := fsys.Map(path)
	if err != nil {
		return 0, err
	}
	crc := format.CRC(m.Data)
	return crc, m.Unmap()
}

func checkRowSum(ctx context.Context, s *immutable.Segment) error {
	m := s.Metadata()
	sums := segment.NewRowSummer(int(m.NumDocs))
	for i := range m.Columns {
		if segment.Hidden(m.Columns[i].ID) {
			continue
		}
		if err := addCells(ctx, s, &m.Columns[i], sums); err != nil {
			return err
		}
	}
	if sum := sums.Sum(); sum != m.RowSum {
		return segment.Corruptf("rows have the sum %016x, the footer says %016x", sum, m.RowSum)
	}
	return nil
}

func addCells(ctx context.Context, s *immutable.Segment, m *segment.ColumnMeta, sums *segment.RowSummer) error {
	c, err := s.Column(m.ID)
	if err != nil {
		return err
	}
	const step = 4096
	var v column.Vector
	var cells [step]uint64
	h := segment.NewCellHasher(m.ID)
	for from := 0; from < int(s.NumDocs()); from += step {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(step, int(s.NumDocs())-from)
		if err := c.Read(uint32(from), n, &v); err != nil {
			return fmt.Errorf("column %q: %w", m.Name, err)
		}
		h.Vector(&v, cells[:n])
		sums.AddCells(from, cells[:n])
	}
	return nil
}
