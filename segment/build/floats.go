package build

import (
	"slices"

	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/index"
)

// scaledFloats returns floats as scaled integers; nil unless these save a
// quarter, or where the config asks for plain values.
func scaledFloats[T encoding.Float](v []T, d *data, p *plan) []byte {
	if p.hasCodec && p.codec == encoding.CodecNone {
		return nil
	}
	plain := encoding.SizeRaw(v)
	b, ok := encoding.AppendALP(nil, fillNulls(v, d.nullBits()), plain-plain/4)
	if !ok {
		return nil
	}
	return b
}

// floatSize returns the size of floats without a dictionary.
func floatSize[T encoding.Float](v []T, d *data, p *plan) int {
	if b := scaledFloats(v, d, p); b != nil {
		return len(b)
	}
	return encoding.SizeRaw(v)
}

// encodeFloats chooses between scaled integers and plain values.
func encodeFloats[T encoding.Float](e *encoded, v []T, d *data, p *plan) {
	m := e.entry.Meta
	m.Sorted = d.nulls == nil && slices.IsSortedFunc(v, segment.CompareFloat[T])
	if b := scaledFloats(v, d, p); b != nil {
		m.Encoding = segment.EncodingALP
		e.buffer(format.RoleForward, b)
	} else {
		m.Encoding = segment.EncodingRaw
		e.buffer(format.RoleForward, encoding.AppendRaw(nil, v))
	}
	if d.n > segment.BlockRows {
		e.buffer(format.RoleZones, index.AppendFloatZones(nil, v, d.isNull()))
	}
}
