package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

// CacheTime is how long a Checker remembers that a password was right.
const CacheTime = 60 * time.Second

// maxCached bounds the remembered passwords; when full the cache is emptied.
const maxCached = 10_000

// Checker checks passwords and remembers the right ones for CacheTime, as a
// keyed hash over verifier and password: HTTP basic sends the password with
// every request, and a derivation costs most of a millisecond. A changed
// verifier is another key, so a changed password takes effect at once. Wrong
// passwords are never remembered. It is safe for concurrent use.
type Checker struct {
	key [sha256.Size]byte
	now func() time.Time

	mu    sync.Mutex
	known map[[sha256.Size]byte]time.Time // until when
}

// NewChecker returns a Checker; a nil clock means time.Now.
func NewChecker(now func() time.Time) *Checker {
	if now == nil {
		now = time.Now
	}
	c := &Checker{now: now, known: map[[sha256.Size]byte]time.Time{}}
	rand.Read(c.key[:]) // crypto/rand.Read never fails
	return c
}

// Check reports whether password is the one of the verifier.
func (c *Checker) Check(verifier, password string) bool {
	k := c.hash(verifier, password)
	if c.remembered(k) {
		return true
	}
	if !CheckPassword(verifier, password) {
		return false
	}
	c.remember(k)
	return true
}

func (c *Checker) hash(verifier, password string) (k [sha256.Size]byte) {
	h := hmac.New(sha256.New, c.key[:])
	h.Write([]byte(verifier))
	h.Write([]byte{0}) // a verifier holds no zero byte
	h.Write([]byte(password))
	h.Sum(k[:0])
	return k
}

func (c *Checker) remembered(k [sha256.Size]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, ok := c.known[k]
	return ok && c.now().Before(until)
}

func (c *Checker) remember(k [sha256.Size]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxCached {
		clear(c.known)
	}
	c.known[k] = c.now().Add(CacheTime)
}

// Forget drops everything remembered.
func (c *Checker) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.known)
}
