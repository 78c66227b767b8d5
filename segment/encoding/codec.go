package encoding

import (
	"fmt"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/alluviumdb/alluvium/segment"
)

// Codec compresses the chunks of variable-length columns. The numbers are part
// of the segment format.
type Codec uint8

// The codecs.
const (
	CodecNone Codec = 0
	CodecLZ4  Codec = 1 // LZ4 block format
	CodecZSTD Codec = 2 // one Zstandard frame
)

func (c Codec) String() string {
	switch c {
	case CodecNone:
		return "none"
	case CodecLZ4:
		return "lz4"
	case CodecZSTD:
		return "zstd"
	}
	return fmt.Sprintf("codec(%d)", uint8(c))
}

// ParseCodec returns the codec for a name as in Pinot's compressionCodec. The
// fast family (LZ4, LZ4_LENGTH_PREFIXED, SNAPPY) becomes LZ4, the dense one
// (ZSTANDARD, ZSTD, GZIP) ZSTD, PASS_THROUGH and NONE no compression.
func ParseCodec(name string) (Codec, error) {
	switch strings.ToUpper(name) {
	case "PASS_THROUGH", "NONE":
		return CodecNone, nil
	case "LZ4", "LZ4_LENGTH_PREFIXED", "SNAPPY":
		return CodecLZ4, nil
	case "ZSTANDARD", "ZSTD", "GZIP":
		return CodecZSTD, nil
	}
	return 0, segment.Unsupportedf("compression codec %q", name)
}

// maxChunkBytes bounds a decompressed chunk, and so the longest value.
const maxChunkBytes = 1 << 30

var zstdEncoder = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
})

var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxChunkBytes))
})

// compress appends the compressed form of src to dst. When that is not smaller
// it appends src itself and returns CodecNone.
func (c Codec) compress(dst, src []byte) ([]byte, Codec, error) {
	at := len(dst)
	switch c {
	case CodecLZ4:
		dst = append(dst, make([]byte, lz4.CompressBlockBound(len(src)))...)
		n, err := lz4.CompressBlock(src, dst[at:], nil)
		if err != nil {
			return nil, 0, err
		}
		dst = dst[:at+n]
	case CodecZSTD:
		enc, err := zstdEncoder()
		if err != nil {
			return nil, 0, err
		}
		dst = enc.EncodeAll(src, dst)
	}
	if n := len(dst) - at; n == 0 || n >= len(src) {
		return append(dst[:at], src...), CodecNone, nil
	}
	return dst, c, nil
}

// decompress appends the raw bytes of src, of which there must be exactly
// size, to dst.
func (c Codec) decompress(dst, src []byte, size int) ([]byte, error) {
	at := len(dst)
	switch c {
	case CodecNone:
		dst = append(dst, src...)
	case CodecLZ4:
		dst = extend(dst, size)
		n, err := lz4.UncompressBlock(src, dst[at:])
		if err != nil {
			return nil, segment.Corruptf("lz4: %v", err)
		}
		dst = dst[:at+n]
	case CodecZSTD:
		dec, err := zstdDecoder()
		if err != nil {
			return nil, err
		}
		out, err := dec.DecodeAll(src, extend(dst, size)[:at])
		if err != nil {
			return nil, segment.Corruptf("zstd: %v", err)
		}
		dst = out
	}
	if len(dst)-at != size {
		return nil, segment.Corruptf("chunk of %d bytes where %d were written", len(dst)-at, size)
	}
	return dst, nil
}

// extend returns b with n more bytes of undefined content.
func extend(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b[:len(b)+n]
	}
	return append(b, make([]byte, n)...)
}
