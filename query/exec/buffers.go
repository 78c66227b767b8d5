package exec

import (
	"math/bits"
	"sync"

	"github.com/alluviumdb/alluvium/internal/column"
)

// bufferPool keeps memory of leaves that have ended for those to come, by
// powers of two of its length.
type bufferPool struct {
	words [32]sync.Pool // of *[]uint64
	ids   [32]sync.Pool // of *[]uint32
}

// buffers is the memory that one leaf has borrowed. Nothing that leaves the
// leaf may share it. The zero value borrows from nowhere and is good for tests
// of parts. It is safe for concurrent use.
type buffers struct {
	pool *bufferPool

	mu    sync.Mutex
	words []*[]uint64
	ids   []*[]uint32
}

// maxPooled is the number of elements beyond which memory is not kept: such
// pieces are rare, and a power of two is too much of them.
const maxPooled = 1 << 22

// sizeClass returns the power of two that holds n elements, n > 0.
func sizeClass(n int) int { return bits.Len(uint(n - 1)) }

// borrow takes n elements, whose content is undefined, from the pool of their
// class.
func borrow[T any](classes *[32]sync.Pool, n int) *[]T {
	class := sizeClass(n)
	p, ok := classes[class].Get().(*[]T)
	if !ok {
		s := make([]T, 1<<class)
		p = &s
	}
	return p
}

// uint64s returns n words of undefined content.
func (b *buffers) uint64s(n int) []uint64 {
	if b == nil || b.pool == nil || n == 0 || n > maxPooled {
		return make([]uint64, n)
	}
	p := borrow[uint64](&b.pool.words, n)
	b.mu.Lock()
	b.words = append(b.words, p)
	b.mu.Unlock()
	return (*p)[:n]
}

// bitmap returns an empty bitmap for n bits.
func (b *buffers) bitmap(n int) column.Bitmap {
	s := b.uint64s(column.Words(n))
	clear(s)
	return s
}

// uint32s returns n numbers of undefined content, such as ids, groups or documents.
func (b *buffers) uint32s(n int) []uint32 {
	if b == nil || b.pool == nil || n == 0 || n > maxPooled {
		return make([]uint32, n)
	}
	p := borrow[uint32](&b.pool.ids, n)
	b.mu.Lock()
	b.ids = append(b.ids, p)
	b.mu.Unlock()
	return (*p)[:n]
}

// release gives everything back. What was borrowed must not be used any more.
func (b *buffers) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.words {
		b.pool.words[sizeClass(len(*p))].Put(p)
	}
	for _, p := range b.ids {
		b.pool.ids[sizeClass(len(*p))].Put(p)
	}
	b.words, b.ids = nil, nil
}
