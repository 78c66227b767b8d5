// Package auth holds how people and roles prove who they are: SCRAM-SHA-256
// verifiers, password checks for HTTP basic, and the cluster secret between
// roles. It knows no tables, no privileges and no state: where verifiers are
// kept is the caller's business.
package auth

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/xdg-go/scram"
	"github.com/xdg-go/stringprep"
)

// Iterations is the PBKDF2 iteration count of new verifiers, as PostgreSQL's.
const Iterations = 4096

// maxIterations bounds the count of a parsed verifier, so that a bad one
// cannot make a login cost minutes.
const maxIterations = 1 << 22

const (
	verifierScheme = "SCRAM-SHA-256"
	saltBytes      = 16
)

// ErrBadVerifier is returned for text that is no SCRAM-SHA-256 verifier.
var ErrBadVerifier = errors.New("malformed SCRAM-SHA-256 verifier")

// ErrEmptyPassword is returned when a verifier is asked for an empty password.
var ErrEmptyPassword = errors.New("the password is empty")

// NewVerifier returns the verifier of a password in PostgreSQL's form:
// SCRAM-SHA-256$iterations:salt$storedKey:serverKey, parts in base64.
func NewVerifier(password string) (string, error) {
	if password == "" {
		return "", ErrEmptyPassword
	}
	salt := make([]byte, saltBytes)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("reading random salt: %w", err)
	}
	return verifierOf(password, salt, Iterations)
}

func verifierOf(password string, salt []byte, iterations int) (string, error) {
	stored, server, err := deriveKeys(password, salt, iterations)
	if err != nil {
		return "", err
	}
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("%s$%d:%s$%s:%s", verifierScheme, iterations, b64(salt), b64(stored), b64(server)), nil
}

// deriveKeys computes the stored and the server key of RFC 5802.
func deriveKeys(password string, salt []byte, iterations int) (stored, server []byte, err error) {
	salted, err := pbkdf2.Key(sha256.New, prepare(password), salt, iterations, sha256.Size)
	if err != nil {
		return nil, nil, fmt.Errorf("deriving keys: %w", err)
	}
	client := mac(salted, "Client Key")
	sum := sha256.Sum256(client)
	return sum[:], mac(salted, "Server Key"), nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// prepare normalises a password by SASLprep; text that SASLprep refuses is
// used as it is, as PostgreSQL does.
func prepare(password string) string {
	if p, err := stringprep.SASLprep.Prepare(password); err == nil {
		return p
	}
	return password
}

// ParseVerifier reads a verifier into the form that SCRAM conversations use.
func ParseVerifier(verifier string) (scram.StoredCredentials, error) {
	var none scram.StoredCredentials
	parts := strings.Split(verifier, "$")
	if len(parts) != 3 || parts[0] != verifierScheme {
		return none, ErrBadVerifier
	}
	count, salt64, ok1 := strings.Cut(parts[1], ":")
	stored64, server64, ok2 := strings.Cut(parts[2], ":")
	n, err := strconv.Atoi(count)
	if !ok1 || !ok2 || err != nil || n < 1 || n > maxIterations {
		return none, ErrBadVerifier
	}
	salt, err1 := base64.StdEncoding.DecodeString(salt64)
	stored, err2 := base64.StdEncoding.DecodeString(stored64)
	server, err3 := base64.StdEncoding.DecodeString(server64)
	if err := errors.Join(err1, err2, err3); err != nil {
		return none, fmt.Errorf("%w: %v", ErrBadVerifier, err)
	}
	if len(salt) == 0 || len(stored) != sha256.Size || len(server) != sha256.Size {
		return none, ErrBadVerifier
	}
	return scram.StoredCredentials{
		KeyFactors: scram.KeyFactors{Salt: string(salt), Iters: n},
		StoredKey:  stored,
		ServerKey:  server,
	}, nil
}

// CheckPassword reports whether password is the one of the verifier. It costs
// a full key derivation; Checker remembers answers for a while.
func CheckPassword(verifier, password string) bool {
	c, err := ParseVerifier(verifier)
	if err != nil {
		return false
	}
	stored, _, err := deriveKeys(password, []byte(c.Salt), c.Iters)
	return err == nil && subtle.ConstantTimeCompare(stored, c.StoredKey) == 1
}

// DummyVerifier returns a verifier that no password satisfies in practice. It
// stands in for a user that does not exist, so that an exchange takes as long
// and looks the same. It is chosen once per process.
var DummyVerifier = sync.OnceValue(func() string {
	salt := make([]byte, saltBytes)
	password := make([]byte, 32)
	rand.Read(salt) // crypto/rand.Read never fails
	rand.Read(password)
	v, err := verifierOf(base64.StdEncoding.EncodeToString(password), salt, Iterations)
	if err != nil {
		return ""
	}
	return v
})

// NewSCRAMServer returns a SCRAM-SHA-256 server whose conversations look up
// verifiers by user name. An unknown user gets a conversation that fails at
// its end like one with a wrong password.
func NewSCRAMServer(lookup func(user string) (verifier string, ok bool)) (*scram.Server, error) {
	return scram.SHA256.NewServer(func(user string) (scram.StoredCredentials, error) {
		verifier, ok := lookup(user)
		if !ok {
			verifier = DummyVerifier()
		}
		return ParseVerifier(verifier)
	})
}
