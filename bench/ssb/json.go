package ssb

import (
	"strconv"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// AppendJSON appends row i of b as one JSON object. Dates are YYYY-MM-DD.
func AppendJSON(dst []byte, b *column.Batch, i int) []byte {
	dst = append(dst, '{')
	for k := range Schema().Fields {
		f := &Schema().Fields[k]
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), f.Name...), '"', ':')
		v := b.Cols[k]
		switch f.Type.ID {
		case schema.TypeInt32:
			dst = strconv.AppendInt(dst, int64(v.Int32s[i]), 10)
		case schema.TypeInt64:
			dst = strconv.AppendInt(dst, v.Int64s[i], 10)
		case schema.TypeDate:
			dst = append(dst, '"')
			dst = time.Unix(int64(v.Int32s[i])*86400, 0).UTC().AppendFormat(dst, time.DateOnly)
			dst = append(dst, '"')
		default: // the generated words need no escapes
			dst = append(append(append(dst, '"'), v.Bytes(i)...), '"')
		}
	}
	return append(dst, '}')
}
