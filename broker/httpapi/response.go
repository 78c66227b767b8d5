package httpapi

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// response is Pinot's BrokerResponse. Its resultTable is written by
// Handler.write.
type response struct {
	table                         *resultTable
	NumRowsResultSet              int64       `json:"numRowsResultSet"`
	PartialResult                 bool        `json:"partialResult"`
	Exceptions                    []exception `json:"exceptions"`
	NumGroupsLimitReached         bool        `json:"numGroupsLimitReached"`
	TimeUsedMs                    int64       `json:"timeUsedMs"`
	RequestID                     string      `json:"requestId"`
	ClientRequestID               *string     `json:"clientRequestId"`
	BrokerID                      string      `json:"brokerId"`
	NumDocsScanned                int64       `json:"numDocsScanned"`
	TotalDocs                     int64       `json:"totalDocs"`
	NumEntriesScannedInFilter     int64       `json:"numEntriesScannedInFilter"`
	NumEntriesScannedPostFilter   int64       `json:"numEntriesScannedPostFilter"`
	NumServersQueried             int         `json:"numServersQueried"`
	NumServersResponded           int         `json:"numServersResponded"`
	NumSegmentsQueried            int64       `json:"numSegmentsQueried"`
	NumSegmentsProcessed          int64       `json:"numSegmentsProcessed"`
	NumSegmentsMatched            int64       `json:"numSegmentsMatched"`
	NumConsumingSegmentsQueried   int64       `json:"numConsumingSegmentsQueried"`
	NumConsumingSegmentsProcessed int64       `json:"numConsumingSegmentsProcessed"`
	NumConsumingSegmentsMatched   int64       `json:"numConsumingSegmentsMatched"`
	MinConsumingFreshnessTimeMs   int64       `json:"minConsumingFreshnessTimeMs"`
	NumSegmentsPrunedByBroker     int64       `json:"numSegmentsPrunedByBroker"`
	NumSegmentsPrunedByServer     int64       `json:"numSegmentsPrunedByServer"`
	Warnings                      []string    `json:"warnings,omitempty"`
}

type resultTable struct {
	schema dataSchema
	rows   rowBlocks
}

type dataSchema struct {
	ColumnNames     []string `json:"columnNames"`
	ColumnDataTypes []string `json:"columnDataTypes"`
}

type exception struct {
	ErrorCode int    `json:"errorCode"`
	Message   string `json:"message"`
}

func newResponse(id string) *response {
	return &response{RequestID: id, Exceptions: []exception{}}
}

func failure(code int, message string) *response {
	r := newResponse("")
	r.Exceptions = append(r.Exceptions, exception{code, message})
	return r
}

// addRows pulls the rows of a result into the response, of which they take at
// most limit bytes (0: any number).
func (r *response) addRows(res *session.Result, maxRows, limit int64) error {
	cols := res.Columns()
	if cols == nil {
		_, err := res.Next()
		return err
	}
	r.table = &resultTable{schema: describe(cols), rows: rowBlocks{limit: limit}}
	for {
		b, err := res.Next()
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		if r.NumRowsResultSet += int64(b.N); r.NumRowsResultSet > maxRows {
			return sqlerr.New(sqlerr.ConfigLimitExceeded, "the answer has more than %d rows", maxRows).
				WithHint("Add a LIMIT, or use the PostgreSQL interface, which streams.")
		}
		if err := r.table.rows.add(res.FnContext(), b); err != nil {
			return err
		}
	}
	return res.Finish()
}

func describe(cols []plan.OutCol) dataSchema {
	d := dataSchema{ColumnNames: []string{}, ColumnDataTypes: []string{}}
	for _, c := range cols {
		d.ColumnNames = append(d.ColumnNames, c.Name)
		d.ColumnDataTypes = append(d.ColumnDataTypes, c.Type.PinotName())
	}
	return d
}

func (r *response) addStats(st session.LeafStats) {
	r.NumDocsScanned = int64(st.DocsScanned)
	r.TotalDocs = int64(st.TotalDocs)
	r.NumEntriesScannedInFilter = int64(st.EntriesScannedInFilter)
	r.NumEntriesScannedPostFilter = int64(st.EntriesScannedPostFilter)
	r.NumServersQueried, r.NumServersResponded = st.ServersQueried, st.ServersResponded
	r.NumSegmentsQueried = int64(st.SegmentsQueried)
	r.NumSegmentsProcessed = int64(st.SegmentsProcessed)
	r.NumSegmentsMatched = int64(st.SegmentsMatched)
	r.NumConsumingSegmentsQueried = int64(st.ConsumingQueried)
	r.NumConsumingSegmentsProcessed = int64(st.ConsumingProcessed)
	r.NumConsumingSegmentsMatched = int64(st.ConsumingMatched)
	r.NumSegmentsPrunedByBroker = int64(st.PrunedByBroker)
	r.NumSegmentsPrunedByServer = int64(st.SegmentsPruned)
	if st.ConsumingQueried > 0 {
		r.MinConsumingFreshnessTimeMs = st.MinConsumingFreshnessMillis
	}
	if len(st.Missing) > 0 {
		r.PartialResult = true
		for _, m := range st.Missing {
			r.Exceptions = append(r.Exceptions, exception{errorSegmentUnavailable, "partial result: missing " + m})
		}
	}
}

func appendRow(dst []byte, ctx *fn.Context, b *column.Batch, i int) []byte {
	dst = append(dst, '[')
	for k, v := range b.Cols {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = appendValue(dst, ctx, v, i)
	}
	return append(dst, ']')
}

// appendValue writes one value as Pinot does: numbers as JSON numbers, NaN and
// infinities as strings, timestamps as yyyy-mm-dd hh:mm:ss.S, bytes as hex.
func appendValue(dst []byte, ctx *fn.Context, v *column.Vector, i int) []byte {
	if v.IsNull(i) {
		return append(dst, "null"...)
	}
	if v.Const {
		i = 0
	}
	if v.Type.List || v.Kind() == schema.KindList {
		return appendList(dst, ctx, v, i)
	}
	switch v.Type.ID {
	case schema.TypeBool:
		return strconv.AppendBool(dst, v.Bools[i])
	case schema.TypeInt16, schema.TypeInt32:
		return strconv.AppendInt(dst, int64(v.Int32s[i]), 10)
	case schema.TypeInt64, schema.TypeOID, schema.TypeRegclass, schema.TypeRegtype, schema.TypeRegproc, schema.TypeRegnamespace:
		return strconv.AppendInt(dst, v.Int64s[i], 10)
	case schema.TypeFloat32:
		return appendFloat(dst, float64(v.Float32s[i]), 32)
	case schema.TypeFloat64:
		return appendFloat(dst, v.Float64s[i], 64)
	case schema.TypeTimestamp, schema.TypeTimestampTZ:
		if micros := v.Int64s[i]; micros != math.MaxInt64 && micros != math.MinInt64 { // infinities
			return appendTimestamp(dst, micros)
		}
	case schema.TypeBytea:
		dst = append(dst, '"')
		dst = hex.AppendEncode(dst, v.Bytes(i))
		return append(dst, '"')
	}
	return appendString(dst, fn.FormatText(nil, ctx, v, i))
}

func appendList(dst []byte, ctx *fn.Context, v *column.Vector, i int) []byte {
	dst = append(dst, '[')
	for j := v.Offsets[i]; j < v.Offsets[i+1]; j++ {
		if j > v.Offsets[i] {
			dst = append(dst, ',')
		}
		dst = appendValue(dst, ctx, v.Elems, int(j))
	}
	return append(dst, ']')
}

func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e' // as JSON is written elsewhere
	}
	at := len(dst)
	dst = strconv.AppendFloat(dst, f, format, -1, bits)
	if !bytes.ContainsAny(dst[at:], ".e") {
		dst = append(dst, ".0"...) // a double stays a double for clients that look
	}
	return dst
}

func appendTimestamp(dst []byte, micros int64) []byte {
	t := time.UnixMicro(micros).UTC()
	dst = append(dst, '"')
	dst = t.AppendFormat(dst, "2006-01-02 15:04:05")
	frac := strconv.Itoa(1000 + t.Nanosecond()/1e6)[1:]
	for len(frac) > 1 && frac[len(frac)-1] == '0' {
		frac = frac[:len(frac)-1]
	}
	dst = append(append(dst, '.'), frac...)
	return append(dst, '"')
}

func appendString(dst, s []byte) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.Encode(string(s)) // cannot fail for a string
	return append(dst, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}
