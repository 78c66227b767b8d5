package file

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"

	"github.com/alluviumdb/alluvium/ingest/decode"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// maxAvroDepth bounds the nesting of schemas and values.
const maxAvroDepth = 128

// avroReader reads Avro object container files (version 1). The file's own
// schema says what its bytes are; fields take the values by name.
type avroReader struct {
	*stream
	rows  *rowFiller
	opt   Options
	root  *avroType
	plan  avroNode
	codec string
	sync  [16]byte
	block avroBytesReader // of the block at hand
	left  int64           // objects of the block
}

// avroNode says what happens to the value at a place of the record.
type avroNode struct {
	field int                  // takes the value; -1 none does
	kids  map[string]*avroNode // fields of a record below
}

func openAvro(ctx context.Context, in Input, s *schema.Schema, opt Options) (*avroReader, error) {
	rows, err := newRowFiller(in, s, opt.Decode)
	if err != nil {
		return nil, err
	}
	r := &avroReader{rows: rows, opt: opt, plan: avroNode{field: -1}}
	if r.stream, err = openStream(ctx, in, opt); err != nil {
		return nil, err
	}
	if err = r.header(); err == nil {
		err = r.makePlan()
	}
	if err != nil {
		r.close()
		return nil, r.named(err)
	}
	return r, nil
}

// named puts the file's name on an error that lacks it.
func (r *avroReader) named(err error) error {
	var own *Error
	if errors.As(err, &own) || errors.Is(err, io.EOF) {
		return err
	}
	return &Error{Path: r.in.Path, Row: r.rows.row, Err: err}
}

// take returns the next n bytes of the file.
func (r *avroReader) take(n int) ([]byte, error) {
	if n < 0 || n > maxRecordBytes {
		return nil, errPage("block of %d bytes", n)
	}
	for len(r.buf)-r.at < n {
		if !r.fill() {
			if r.err != nil {
				return nil, r.err
			}
			return nil, errPage("the file ends early")
		}
	}
	b := r.buf[r.at : r.at+n]
	r.at += n
	return b, nil
}

// long reads a number of the file's frame.
func (r *avroReader) long() (int64, error) {
	var word [binary.MaxVarintLen64]byte
	for i := range word {
		b, err := r.take(1)
		if err != nil {
			return 0, err
		}
		word[i] = b[0]
		if b[0] < 0x80 {
			v, n := binary.Varint(word[:i+1])
			if n <= 0 {
				break
			}
			return v, nil
		}
	}
	return 0, errPage("bad number")
}

func (r *avroReader) header() error {
	magic, err := r.take(4)
	if err != nil {
		return err
	}
	if string(magic) != "Obj\x01" {
		return errPage("no Avro object container file")
	}
	meta, err := r.metadata()
	if err != nil {
		return err
	}
	mark, err := r.take(16)
	if err != nil {
		return err
	}
	copy(r.sync[:], mark)
	r.codec = string(meta["avro.codec"])
	switch r.codec {
	case "", "null", "deflate", "snappy", "zstandard":
	default:
		return fmt.Errorf("%w: codec %q", ErrUnsupported, r.codec)
	}
	r.root, err = parseAvroSchema(meta["avro.schema"])
	return err
}

func (r *avroReader) metadata() (map[string][]byte, error) {
	meta := map[string][]byte{}
	for {
		n, err := r.long()
		if err != nil || n == 0 {
			return meta, err
		}
		if n < 0 {
			n = -n
			if _, err := r.long(); err != nil { // size of the block
				return nil, err
			}
		}
		for ; n > 0; n-- {
			var pair [2][]byte
			for i := range pair {
				size, err := r.long()
				if err != nil {
					return nil, err
				}
				if size < 0 || size > maxRecordBytes {
					return nil, errPage("metadata of %d bytes", size)
				}
				b, err := r.take(int(size))
				if err != nil {
					return nil, err
				}
				pair[i] = bytes.Clone(b)
			}
			meta[string(pair[0])] = pair[1]
		}
	}
}

// makePlan finds the field of each value.
func (r *avroReader) makePlan() error {
	if r.root.kind != avroRecord {
		return fmt.Errorf("%w: the file holds no records", ErrMismatch)
	}
	r.planRecord(&r.plan, r.root, "", 0)
	return r.rows.anyFound()
}

func (r *avroReader) planRecord(n *avroNode, t *avroType, prefix string, depth int) {
	n.kids = map[string]*avroNode{}
	for _, f := range t.fields {
		kid := &avroNode{field: r.rows.fieldFor(prefix+f.name, r.opt.Decode.IgnoreCase)}
		if kid.field >= 0 && !r.rows.found[kid.field] {
			r.rows.found[kid.field] = true
		} else {
			kid.field = -1
		}
		if rec := recordOf(f.typ); rec != nil && kid.field < 0 && depth < 8 {
			r.planRecord(kid, rec, prefix+f.name+".", depth+1)
		}
		n.kids[f.name] = kid
	}
}

// recordOf returns the record that a type is, perhaps beside null.
func recordOf(t *avroType) *avroType {
	if t.kind == avroUnion {
		for _, o := range t.options {
			if o.kind == avroRecord {
				return o
			}
		}
	}
	if t.kind == avroRecord {
		return t
	}
	return nil
}

// Next implements Reader.
func (r *avroReader) Next(ctx context.Context) (*column.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b, err := r.next()
	if err != nil {
		return nil, r.named(err)
	}
	return b, nil
}

func (r *avroReader) next() (*column.Batch, error) {
	r.rows.begin()
	for r.rows.batch.N < batchRows {
		for r.left == 0 {
			if err := r.nextBlock(); errors.Is(err, io.EOF) && r.rows.batch.N > 0 {
				return r.rows.finish()
			} else if err != nil {
				return nil, err
			}
		}
		r.rows.row++
		if err := r.record(r.root, &r.plan, 0); err != nil {
			return nil, err
		}
		if err := r.missing(); err != nil {
			return nil, err
		}
		r.rows.batch.N++
		if r.left--; r.left == 0 && len(r.block.b) > 0 {
			return nil, errPage("%d bytes are left in a block", len(r.block.b))
		}
	}
	return r.rows.finish()
}

// missing gives NULL to found fields of nested records that were absent.
func (r *avroReader) missing() error {
	for i, f := range r.rows.fillers {
		if !r.rows.found[i] || f.Len() > r.rows.batch.N {
			continue
		}
		if reason := f.Null(); reason != "" {
			return r.rows.refuse(i, reason)
		}
	}
	return nil
}

func (r *avroReader) nextBlock() error {
	if r.at == len(r.buf) && !r.fill() {
		if r.err != nil {
			return r.err
		}
		return io.EOF
	}
	if r.at == len(r.buf) {
		return io.EOF
	}
	count, err := r.long()
	if err != nil {
		return err
	}
	size, err := r.long()
	if err != nil {
		return err
	}
	if count < 0 || size < 0 || size > maxRecordBytes || size == 0 && count > 1<<20 {
		return errPage("block of %d objects in %d bytes", count, size)
	}
	data, err := r.take(int(size) + len(r.sync))
	if err != nil {
		return err
	}
	if !bytes.Equal(data[size:], r.sync[:]) {
		return errPage("a block is not followed by the file's mark")
	}
	r.block.b, err = r.unpack(data[:size])
	r.left = count
	return err
}

// unpack decompresses a block.
func (r *avroReader) unpack(b []byte) ([]byte, error) {
	switch r.codec {
	case "deflate":
		out, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b)), 4*maxRecordBytes))
		if err != nil {
			return nil, corrupt(err)
		}
		return out, nil
	case "zstandard":
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(4*maxRecordBytes))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		out, err := z.DecodeAll(b, nil)
		if err != nil {
			return nil, corrupt(err)
		}
		return out, nil
	case "snappy":
		return unpackSnappy(b)
	}
	return bytes.Clone(b), nil
}

// unpackSnappy reads a block that ends in a checksum of its content.
func unpackSnappy(b []byte) ([]byte, error) {
	if len(b) < 4 {
		return nil, errPage("snappy block of %d bytes", len(b))
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if n, err := snappy.DecodedLen(body); err != nil || n > 4*maxRecordBytes {
		return nil, errPage("bad snappy block")
	}
	out, err := snappy.Decode(nil, body)
	if err != nil {
		return nil, corrupt(err)
	}
	if crc32.ChecksumIEEE(out) != sum {
		return nil, errPage("checksum of a snappy block differs")
	}
	return out, nil
}

// record reads the fields of a record into the fields of the schema.
func (r *avroReader) record(t *avroType, n *avroNode, depth int) error {
	for i := range t.fields {
		kid := n.kids[t.fields[i].name]
		if err := r.value(t.fields[i].typ, kid, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (r *avroReader) value(t *avroType, n *avroNode, depth int) error {
	if depth > maxAvroDepth {
		return errPage("nested too deeply")
	}
	if t.kind == avroUnion {
		option, err := r.block.option(t)
		if err != nil {
			return err
		}
		return r.value(option, n, depth+1)
	}
	switch {
	case n.field >= 0:
		reason, err := r.block.fill(t, r.rows.fillers[n.field], depth)
		if err == nil && reason != "" {
			err = r.rows.refuse(n.field, reason)
		}
		return err
	case t.kind == avroRecord && n.kids != nil:
		return r.record(t, n, depth)
	}
	return r.block.skip(t, depth)
}

// BytesRead implements Reader.
func (r *avroReader) BytesRead() int64 { return r.raw.n }

// Close implements Reader.
func (r *avroReader) Close() error {
	r.close()
	return nil
}

// avroBytesReader reads Avro's binary encoding.
type avroBytesReader struct{ b []byte }

func (a *avroBytesReader) long() (int64, error) {
	v, n := binary.Varint(a.b)
	if n <= 0 {
		return 0, errPage("a value ends early")
	}
	a.b = a.b[n:]
	return v, nil
}

func (a *avroBytesReader) take(n int64) ([]byte, error) {
	if n < 0 || n > int64(len(a.b)) {
		return nil, errPage("a value of %d bytes in %d bytes", n, len(a.b))
	}
	b := a.b[:n]
	a.b = a.b[n:]
	return b, nil
}

func (a *avroBytesReader) text() ([]byte, error) {
	n, err := a.long()
	if err != nil {
		return nil, err
	}
	return a.take(n)
}

func (a *avroBytesReader) option(t *avroType) (*avroType, error) {
	i, err := a.long()
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= int64(len(t.options)) {
		return nil, errPage("branch %d of a union of %d", i, len(t.options))
	}
	return t.options[i], nil
}

// blocks calls f for each item of an array or map.
func (a *avroBytesReader) blocks(f func() error) error {
	for {
		n, err := a.long()
		if err != nil || n == 0 {
			return err
		}
		if n < 0 {
			if _, err := a.long(); err != nil {
				return err
			}
			n = -n
		}
		if n < 0 || n > int64(len(a.b)) && n > 1<<16 {
			return errPage("%d items in %d bytes", n, len(a.b))
		}
		for ; n > 0; n-- {
			if err := f(); err != nil {
				return err
			}
		}
	}
}

// skip passes over a value.
func (a *avroBytesReader) skip(t *avroType, depth int) error {
	_, err := a.appendJSON(nil, t, depth)
	return err
}

// fill reads a value into a field.
func (a *avroBytesReader) fill(t *avroType, f *decode.Filler, depth int) (reason string, err error) {
	switch t.kind {
	case avroUnion:
		option, err := a.option(t)
		if err != nil || depth > maxAvroDepth {
			return "", errors.Join(err, depthError(depth))
		}
		return a.fill(option, f, depth+1)
	case avroNull:
		return f.Null(), nil
	case avroArray:
		if f.List() {
			return a.list(t, f, depth)
		}
	}
	if t.kind == avroArray || t.kind == avroMap || t.kind == avroRecord {
		b, err := a.appendJSON(nil, t, depth)
		if err != nil {
			return "", err
		}
		return f.Untyped(b), nil
	}
	return a.scalar(t, f)
}

func depthError(depth int) error {
	if depth > maxAvroDepth {
		return errPage("nested too deeply")
	}
	return nil
}

func (a *avroBytesReader) list(t *avroType, f *decode.Filler, depth int) (reason string, err error) {
	f.BeginList()
	err = a.blocks(func() error {
		r, err := a.fill(t.items, f, depth+1)
		if r != "" && reason == "" {
			reason = r
		}
		return err
	})
	if err != nil || reason != "" {
		f.AbortList()
		return reason, err
	}
	f.EndList()
	return "", nil
}

func (a *avroBytesReader) scalar(t *avroType, f *decode.Filler) (reason string, err error) {
	switch t.kind {
	case avroBool:
		b, err := a.take(1)
		if err != nil {
			return "", err
		}
		return f.Bool(b[0] != 0), nil
	case avroInt, avroLong:
		v, err := a.long()
		if err != nil {
			return "", err
		}
		return fillAvroInt(t, f, v), nil
	case avroFloat:
		b, err := a.take(4)
		if err != nil {
			return "", err
		}
		return f.Float(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 32), nil
	case avroDouble:
		b, err := a.take(8)
		if err != nil {
			return "", err
		}
		return f.Float(math.Float64frombits(binary.LittleEndian.Uint64(b)), 64), nil
	case avroEnum:
		s, err := a.symbol(t)
		if err != nil {
			return "", err
		}
		return f.Text([]byte(s)), nil
	case avroString:
		b, err := a.text()
		switch {
		case err != nil:
			return "", err
		case !utf8.Valid(b):
			return "text is not valid UTF-8", nil
		}
		return f.Text(b), nil
	}
	b, err := a.binary(t)
	if err != nil {
		return "", err
	}
	return fillAvroBytes(t, f, b), nil
}

func (a *avroBytesReader) symbol(t *avroType) (string, error) {
	i, err := a.long()
	if err != nil {
		return "", err
	}
	if i < 0 || i >= int64(len(t.symbols)) {
		return "", errPage("symbol %d of an enum of %d", i, len(t.symbols))
	}
	return t.symbols[i], nil
}

func (a *avroBytesReader) binary(t *avroType) ([]byte, error) {
	if t.kind == avroFixed {
		return a.take(int64(t.size))
	}
	return a.text()
}

func fillAvroInt(t *avroType, f *decode.Filler, v int64) string {
	switch t.logical {
	case "date":
		if int64(int32(v)) != v {
			return "the date is out of range"
		}
		return f.Date(int32(v))
	case "time-millis":
		return f.TimeOfDay(v * 1000)
	case "time-micros":
		return f.TimeOfDay(v)
	case "timestamp-millis", "local-timestamp-millis":
		if v > math.MaxInt64/1000 || v < math.MinInt64/1000 {
			return "the timestamp is out of range"
		}
		return f.Instant(v * 1000)
	case "timestamp-micros", "local-timestamp-micros":
		return f.Instant(v)
	case "timestamp-nanos", "local-timestamp-nanos":
		return f.Instant(nanosToMicros(v))
	}
	return f.Int(v)
}

func fillAvroBytes(t *avroType, f *decode.Filler, b []byte) string {
	if t.logical == "decimal" && t.scale >= 0 && t.scale <= schema.MaxPrecision {
		d, err := bigEndianDecimal(b, uint8(t.scale))
		if err != nil {
			return err.Error()
		}
		return f.Decimal(d)
	}
	if !f.TakesBinary() && !utf8.Valid(b) {
		return "bytes are no text"
	}
	return f.Binary(b)
}

// appendJSON reads a value and appends it as JSON.
func (a *avroBytesReader) appendJSON(dst []byte, t *avroType, depth int) ([]byte, error) {
	if err := depthError(depth); err != nil {
		return dst, err
	}
	switch t.kind {
	case avroNull:
		return append(dst, "null"...), nil
	case avroBool:
		b, err := a.take(1)
		if err != nil {
			return dst, err
		}
		return strconv.AppendBool(dst, b[0] != 0), nil
	case avroInt, avroLong:
		v, err := a.long()
		return strconv.AppendInt(dst, v, 10), err
	case avroFloat:
		b, err := a.take(4)
		if err != nil {
			return dst, err
		}
		return appendFloat(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 32), nil
	case avroDouble:
		b, err := a.take(8)
		if err != nil {
			return dst, err
		}
		return appendFloat(dst, math.Float64frombits(binary.LittleEndian.Uint64(b)), 64), nil
	case avroEnum:
		s, err := a.symbol(t)
		return decode.AppendQuoted(dst, []byte(s)), err
	case avroUnion:
		o, err := a.option(t)
		if err != nil {
			return dst, err
		}
		return a.appendJSON(dst, o, depth+1)
	case avroRecord:
		return a.appendRecord(dst, t, depth)
	case avroArray, avroMap:
		return a.appendItems(dst, t, depth)
	}
	b, err := a.binary(t)
	return decode.AppendQuoted(dst, b), err
}

// appendFloat appends a number; NaN and the infinities become strings.
func appendFloat(dst []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(strconv.AppendFloat(append(dst, '"'), f, 'g', -1, bits), '"')
	}
	return strconv.AppendFloat(dst, f, 'g', -1, bits)
}

func (a *avroBytesReader) appendRecord(dst []byte, t *avroType, depth int) ([]byte, error) {
	dst = append(dst, '{')
	var err error
	for i := range t.fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(decode.AppendQuoted(dst, []byte(t.fields[i].name)), ':')
		if dst, err = a.appendJSON(dst, t.fields[i].typ, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func (a *avroBytesReader) appendItems(dst []byte, t *avroType, depth int) ([]byte, error) {
	opening, closing := byte('['), byte(']')
	if t.kind == avroMap {
		opening, closing = '{', '}'
	}
	dst = append(dst, opening)
	first := true
	err := a.blocks(func() error {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if t.kind == avroMap {
			key, err := a.text()
			if err != nil {
				return err
			}
			dst = append(decode.AppendQuoted(dst, key), ':')
		}
		var err error
		dst, err = a.appendJSON(dst, t.items, depth+1)
		return err
	})
	return append(dst, closing), err
}
