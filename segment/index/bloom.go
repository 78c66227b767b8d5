package index

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/alluviumdb/alluvium/segment"
)

// Bloom is a split-block Bloom filter, laid out as that of Parquet: blocks of
// eight 32-bit words, one bit of each word per value. The upper half of the
// hash picks the block, the lower half the bits, so a look-up touches one cache
// line. Any buffer of whole blocks is sound. It is safe for concurrent use.
type Bloom struct{ blocks []byte }

var _ segment.BloomFilter = (*Bloom)(nil)

const (
	bloomBlock = 32 // bytes
	// maxBloomBlocks keeps the number of blocks in 32 bits.
	maxBloomBlocks = 1 << 26
	// DefaultBloomFPP is the share of absent values that a filter lets pass
	// unless the table says otherwise.
	DefaultBloomFPP = 0.05
)

// bloomSalts are the odd multipliers of Parquet's specification.
var bloomSalts = [8]uint32{
	0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
}

// OpenBloom returns the filter in buf, used in place.
func OpenBloom(buf []byte) (*Bloom, error) {
	if len(buf) == 0 || len(buf)%bloomBlock != 0 || len(buf)/bloomBlock > maxBloomBlocks {
		return nil, segment.Corruptf("bloom filter of %d bytes", len(buf))
	}
	return &Bloom{blocks: buf}, nil
}

// bloomPlace returns where the block of a hash begins.
func bloomPlace(hash uint64, size int) int {
	hi, _ := bits.Mul64(hash&^math.MaxUint32, uint64(size/bloomBlock))
	return int(hi) * bloomBlock
}

// MayContain implements segment.BloomFilter.
func (x *Bloom) MayContain(hash uint64) bool {
	block := x.blocks[bloomPlace(hash, len(x.blocks)):][:bloomBlock]
	for i, salt := range bloomSalts {
		word := binary.LittleEndian.Uint32(block[4*i:])
		if word>>(uint32(hash)*salt>>27)&1 == 0 {
			return false
		}
	}
	return true
}

// BloomSize returns the bytes of a filter for n distinct values that lets the
// share fpp of absent values pass, at most limit bytes if that is positive.
func BloomSize(n int, fpp float64, limit int) int {
	bitsNeeded := -8 * float64(n) / math.Log(1-math.Pow(fpp, 1.0/8))
	blocks := int(min(math.Ceil(bitsNeeded/(8*bloomBlock)), maxBloomBlocks))
	if limit > 0 {
		blocks = min(blocks, limit/bloomBlock)
	}
	return max(blocks, 1) * bloomBlock
}

// AppendBloom appends a filter of size bytes (as BloomSize returns) of values
// with these hashes.
func AppendBloom(dst []byte, hashes []uint64, size int) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, size)...)
	for _, h := range hashes {
		block := dst[at+bloomPlace(h, size):][:bloomBlock]
		for i, salt := range bloomSalts {
			word := block[4*i:]
			set := binary.LittleEndian.Uint32(word) | 1<<(uint32(h)*salt>>27)
			binary.LittleEndian.PutUint32(word, set)
		}
	}
	return dst
}
