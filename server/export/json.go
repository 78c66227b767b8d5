package export

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"io"
	"math"

	"github.com/alluviumdb/alluvium/ingest/decode"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// jsonWriter writes one object per line.
type jsonWriter struct {
	w         *bufio.Writer
	keys      [][]byte // each as a JSON string and a colon
	line, buf []byte
}

func newJSON(w io.Writer, s *schema.Schema) *jsonWriter {
	j := &jsonWriter{w: bufio.NewWriterSize(w, 1<<16)}
	for i := range s.Fields {
		j.keys = append(j.keys, append(decode.AppendQuoted(nil, []byte(s.Fields[i].Name)), ':'))
	}
	return j
}

func (j *jsonWriter) block(cols []*column.Vector, rows int) error {
	for i := range rows {
		j.line = append(j.line[:0], '{')
		for k, v := range cols {
			if v.IsNull(i) {
				continue
			}
			if len(j.line) > 1 {
				j.line = append(j.line, ',')
			}
			j.line = append(j.line, j.keys[k]...)
			j.value(v, i)
		}
		j.line = append(j.line, '}', '\n')
		if _, err := j.w.Write(j.line); err != nil {
			return err
		}
	}
	return nil
}

func (j *jsonWriter) value(v *column.Vector, i int) {
	if v.Kind() != schema.KindList {
		j.scalar(v, i)
		return
	}
	j.line = append(j.line, '[')
	for k := v.Offsets[i]; k < v.Offsets[i+1]; k++ {
		if k > v.Offsets[i] {
			j.line = append(j.line, ',')
		}
		j.scalar(v.Elems, int(k))
	}
	j.line = append(j.line, ']')
}

func (j *jsonWriter) scalar(v *column.Vector, i int) {
	switch {
	case v.IsNull(i):
		j.line = append(j.line, "null"...)
	case v.Type.ID == schema.TypeBytea:
		j.line = append(j.line, '"')
		j.line = hex.AppendEncode(j.line, v.Bytes(i))
		j.line = append(j.line, '"')
	case bare(v, i):
		j.line = text(j.line, v, i)
	default:
		j.buf = text(j.buf[:0], v, i)
		j.line = decode.AppendQuoted(j.line, j.buf)
	}
}

// bare reports whether the text of a value is JSON itself.
func bare(v *column.Vector, i int) bool {
	switch v.Kind() {
	case schema.KindFloat32:
		return finite(float64(v.Float32s[i]))
	case schema.KindFloat64:
		return finite(v.Float64s[i])
	case schema.KindDecimal:
		return !v.Decimals[i].IsNaN()
	case schema.KindBool:
		return true
	case schema.KindInt32, schema.KindInt64:
		return v.Type.IsNumeric()
	}
	return (v.Type.ID == schema.TypeJSON || v.Type.ID == schema.TypeJSONB) && json.Valid(v.Bytes(i))
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

func (j *jsonWriter) end() error { return j.w.Flush() }
