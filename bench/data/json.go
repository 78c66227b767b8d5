package data

import (
	"strconv"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// AppendJSON appends row i of b as one JSON object. Dates are YYYY-MM-DD. Text
// must not need escapes.
func AppendJSON(dst []byte, s *schema.Schema, b *column.Batch, i int) []byte {
	dst = append(dst, '{')
	for k := range s.Fields {
		f := &s.Fields[k]
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), f.Name...), '"', ':')
		v := b.Cols[k]
		switch f.Type.ID {
		case schema.TypeInt16, schema.TypeInt32:
			dst = strconv.AppendInt(dst, int64(v.Int32s[i]), 10)
		case schema.TypeInt64:
			dst = strconv.AppendInt(dst, v.Int64s[i], 10)
		case schema.TypeDate:
			dst = quoted(dst, time.Unix(int64(v.Int32s[i])*86400, 0), time.DateOnly)
		case schema.TypeTimestamp:
			dst = quoted(dst, time.UnixMicro(v.Int64s[i]), time.DateTime)
		default:
			dst = append(append(append(dst, '"'), v.Bytes(i)...), '"')
		}
	}
	return append(dst, '}')
}

func quoted(dst []byte, t time.Time, layout string) []byte {
	return append(t.UTC().AppendFormat(append(dst, '"'), layout), '"')
}
