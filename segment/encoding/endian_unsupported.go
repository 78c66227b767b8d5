//go:build armbe || arm64be || m68k || mips || mips64 || mips64p32 || ppc || ppc64 || s390 || s390x || sparc || sparc64

package encoding

// Segment files are viewed in place: a big-endian machine cannot read them.
var _ = segmentsNeedALittleEndianMachine
