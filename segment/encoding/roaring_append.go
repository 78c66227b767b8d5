package encoding

import "encoding/binary"

// roaringPart is one container: the documents that share their upper 16 bits.
type roaringPart struct {
	docs []uint32
	runs int // number of runs if they are how it is stored, else 0
}

// newRoaringPart returns the first container of docs and the rest of them.
func newRoaringPart(docs []uint32) (p roaringPart, rest []uint32) {
	key, n, runs := docs[0]>>16, 1, 1
	for n < len(docs) && docs[n]>>16 == key {
		if docs[n] != docs[n-1]+1 {
			runs++
		}
		n++
	}
	p.docs = docs[:n]
	if 2+4*runs < min(roaringBitsBytes, 2*n) {
		p.runs = runs
	}
	return p, docs[n:]
}

// bytes returns the size of the container's body.
func (p *roaringPart) bytes() int {
	switch {
	case p.runs > 0:
		return 2 + 4*p.runs
	case len(p.docs) <= roaringArrayMax:
		return 2 * len(p.docs)
	}
	return roaringBitsBytes
}

// AppendSorted appends the bitmap of ascending documents, at least one: the
// bytes that AppendBitmap appends for it after RunOptimize.
func AppendSorted(dst []byte, docs []uint32) []byte {
	var few [8]roaringPart
	parts, hasRuns := few[:0], false
	for rest := docs; len(rest) > 0; {
		var p roaringPart
		p, rest = newRoaringPart(rest)
		parts = append(parts, p)
		hasRuns = hasRuns || p.runs > 0
	}
	dst = appendRoaringHead(dst, parts, hasRuns)
	for i := range parts {
		dst = parts[i].append(dst)
	}
	return dst
}

func appendRoaringHead(dst []byte, parts []roaringPart, hasRuns bool) []byte {
	le, at := binary.LittleEndian, len(dst)
	if hasRuns {
		dst = le.AppendUint32(dst, roaringRunCookie|uint32(len(parts)-1)<<16)
		flags := len(dst)
		dst = append(dst, make([]byte, (len(parts)+7)/8)...)
		for i := range parts {
			if parts[i].runs > 0 {
				dst[flags+i/8] |= 1 << (i % 8)
			}
		}
	} else {
		dst = le.AppendUint32(le.AppendUint32(dst, roaringCookie), uint32(len(parts)))
	}
	for i := range parts {
		dst = le.AppendUint16(dst, uint16(parts[i].docs[0]>>16))
		dst = le.AppendUint16(dst, uint16(len(parts[i].docs)-1))
	}
	if hasRuns && len(parts) < roaringOffsetsMin {
		return dst
	}
	body := len(dst) - at + 4*len(parts)
	for i := range parts {
		dst = le.AppendUint32(dst, uint32(body))
		body += parts[i].bytes()
	}
	return dst
}

// append appends the container's body.
func (p *roaringPart) append(dst []byte) []byte {
	at := len(dst)
	dst = extend(dst, p.bytes())
	b := dst[at:]
	switch {
	case p.runs > 0:
		p.putRuns(b)
	case len(p.docs) <= roaringArrayMax:
		for i, d := range p.docs {
			binary.LittleEndian.PutUint16(b[2*i:], uint16(d))
		}
	default:
		clear(b)
		for _, d := range p.docs {
			b[uint16(d)>>3] |= 1 << (d & 7)
		}
	}
	return dst
}

// putRuns writes the number of runs, then of each its start and length less one.
func (p *roaringPart) putRuns(b []byte) {
	le := binary.LittleEndian
	le.PutUint16(b, uint16(p.runs))
	b = b[2:]
	for i := 0; i < len(p.docs); {
		j := i + 1
		for j < len(p.docs) && p.docs[j] == p.docs[j-1]+1 {
			j++
		}
		le.PutUint16(b, uint16(p.docs[i]))
		le.PutUint16(b[2:], uint16(j-i-1))
		b, i = b[4:], j
	}
}
