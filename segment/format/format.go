// Package format holds the frame of a segment file: header, trailer, footer
// and the directory of columns and buffers, as FORMAT.md draws them. It knows
// where buffers lie and what they are called; it does not know what is in
// them, nor how files are read or written.
package format

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/alluviumdb/alluvium/segment"
)

// Magic is at the head and at the end of every segment file.
const Magic = "ALVMSEG\n"

// Version is the version of the format that this package writes. A reader
// refuses other versions.
const Version = 1

// Sizes and alignments in bytes.
const (
	HeaderBytes  = 64
	TrailerBytes = 64
	// Align is the alignment of every buffer, so that all fixed-width data
	// can be used in place.
	Align = 64
	// PageAlign is the alignment of buffers of at least PageBuffer bytes:
	// they can be fetched, mapped and dropped by whole pages. Smaller ones
	// are packed closely, so that wide tables do not waste pages.
	PageAlign  = 4096
	PageBuffer = 64 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// CRC returns the CRC32C of b.
func CRC(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// UpdateCRC continues a CRC32C with b.
func UpdateCRC(crc uint32, b []byte) uint32 { return crc32.Update(crc, castagnoli, b) }

// AlignFor returns the alignment of a buffer of that size.
func AlignFor(size int) int64 {
	if size >= PageBuffer {
		return PageAlign
	}
	return Align
}

// Header returns the first HeaderBytes of a file.
func Header() []byte {
	b := make([]byte, HeaderBytes)
	copy(b, Magic)
	b[8] = Version
	return b
}

// CheckHeader checks the first HeaderBytes of a file.
func CheckHeader(b []byte) error {
	if len(b) < HeaderBytes || string(b[:8]) != Magic {
		return segment.Corruptf("not a segment file")
	}
	if b[8] != Version {
		return segment.Unsupportedf("format version %d", b[8])
	}
	for _, x := range b[9:HeaderBytes] {
		if x != 0 {
			return segment.Corruptf("header")
		}
	}
	return nil
}

// Trailer is the fixed-size end of a file, which tells where the footer is.
type Trailer struct {
	FooterOffset uint64
	FooterLength uint64
	FileLength   uint64
	FooterCRC    uint32
}

// Positions in the trailer.
const (
	trailerVersion = 28
	trailerCRC     = 52
	trailerMagic   = 56
)

// Append appends the trailer.
func (t *Trailer) Append(dst []byte) []byte {
	at := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, t.FooterOffset)
	dst = binary.LittleEndian.AppendUint64(dst, t.FooterLength)
	dst = binary.LittleEndian.AppendUint64(dst, t.FileLength)
	dst = binary.LittleEndian.AppendUint32(dst, t.FooterCRC)
	dst = append(dst, Version)
	dst = append(dst, make([]byte, trailerCRC-trailerVersion-1)...)
	dst = binary.LittleEndian.AppendUint32(dst, CRC(dst[at:at+trailerCRC]))
	return append(dst, Magic...)
}

// ReadTrailer reads the last TrailerBytes of a file of that length.
func ReadTrailer(b []byte, fileLength uint64) (Trailer, error) {
	var t Trailer
	if len(b) != TrailerBytes || fileLength < HeaderBytes+TrailerBytes ||
		string(b[trailerMagic:]) != Magic {
		return t, segment.Corruptf("no trailer: not a segment file, or cut off")
	}
	if CRC(b[:trailerCRC]) != binary.LittleEndian.Uint32(b[trailerCRC:]) {
		return t, segment.Corruptf("checksum of the trailer")
	}
	if v := b[trailerVersion]; v != Version {
		return t, segment.Unsupportedf("format version %d", v)
	}
	t.FooterOffset = binary.LittleEndian.Uint64(b)
	t.FooterLength = binary.LittleEndian.Uint64(b[8:])
	t.FileLength = binary.LittleEndian.Uint64(b[16:])
	t.FooterCRC = binary.LittleEndian.Uint32(b[24:])
	end := fileLength - TrailerBytes
	if t.FileLength != fileLength || t.FooterOffset < HeaderBytes ||
		t.FooterOffset > end || t.FooterLength != end-t.FooterOffset {
		return t, segment.Corruptf("footer lies outside the file")
	}
	return t, nil
}
