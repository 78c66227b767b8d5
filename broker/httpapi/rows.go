package httpapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

// rowBlocks is the rows of an answer as JSON. They are held until the last one
// is there, since an error takes their place, but only once: in blocks, which
// are written as they are.
type rowBlocks struct {
	blocks [][]byte
	limit  int64 // bytes; 0: none
	held   int64
}

// rowBlockBytes is the room of a block.
const rowBlockBytes = 64 << 10

// add appends the rows of a batch.
func (r *rowBlocks) add(ctx *fn.Context, b *column.Batch) error {
	for i := range b.N {
		last := len(r.blocks) - 1
		if last < 0 || len(r.blocks[last]) > rowBlockBytes/2 {
			if err := r.begin(); err != nil {
				return err
			}
			last++
		}
		block := r.blocks[last]
		room := cap(block)
		if last > 0 || len(block) > 0 {
			block = append(block, ',')
		}
		block = appendRow(block, ctx, b, i)
		r.blocks[last] = block
		r.held += int64(cap(block) - room)
	}
	return r.check()
}

// begin starts another block. The first is small: so are most answers.
func (r *rowBlocks) begin() error {
	room := rowBlockBytes
	if len(r.blocks) == 0 {
		room = rowBlockBytes / 64
	}
	r.held += int64(room)
	if err := r.check(); err != nil {
		return err
	}
	r.blocks = append(r.blocks, make([]byte, 0, room))
	return nil
}

func (r *rowBlocks) check() error {
	if r.limit > 0 && r.held > r.limit {
		return sqlerr.New(sqlerr.OutOfMemory, "out of memory: the answer takes more than the query's limit of %d bytes (memory_limit)", r.limit).
			WithHint("Add a LIMIT, raise memory_limit, or use the PostgreSQL interface, which streams.")
	}
	return nil
}

// write writes the rows as an array.
func (r *rowBlocks) write(w io.Writer) {
	io.WriteString(w, "[")
	for _, b := range r.blocks {
		w.Write(b)
	}
	io.WriteString(w, "]")
}

// write answers with a response: what json.Encoder writes, but for the rows,
// which are JSON already.
func (h *Handler) write(w http.ResponseWriter, resp *response) {
	if resp.table == nil {
		writeJSON(w, http.StatusOK, resp)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	schema, err := json.Marshal(resp.table.schema)
	if err != nil { // strings can always be written
		return
	}
	fmt.Fprintf(w, `{"resultTable":{"dataSchema":%s,"rows":`, schema)
	resp.table.rows.write(w)
	io.WriteString(w, "},")
	enc := json.NewEncoder(&skipFirst{w: w})
	enc.SetEscapeHTML(false)
	enc.Encode(resp)
}

// skipFirst drops the first byte: the brace of an object that is written
// already.
type skipFirst struct {
	w    io.Writer
	done bool
}

// Write implements io.Writer.
func (s *skipFirst) Write(b []byte) (int, error) {
	if s.done || len(b) == 0 {
		return s.w.Write(b)
	}
	s.done = true
	n, err := s.w.Write(b[1:])
	return n + 1, err
}
