package segment

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// SeqColumnID is the column id under which a segment stores `_seq` when its
// rows were reordered: int64, absolute. A streamed segment without that column
// has _seq = FirstSeq + document id.
const SeqColumnID = math.MaxUint32

// SeqColumnName is the name of the column SeqColumnID.
const SeqColumnName = "_seq"

// Name returns the name of a streamed segment in Pinot's form:
// table__partition__sequence__creation time.
func Name(table string, partition uint32, sequence uint64, created string) string {
	return fmt.Sprintf("%s__%d__%d__%s", table, partition, sequence, created)
}

// ParseName takes a name made by Name apart; ok is false for any other name.
func ParseName(name string) (table string, partition uint32, sequence uint64, created string, ok bool) {
	rest := name
	var parts [3]string
	for i := len(parts) - 1; i >= 0; i-- {
		at := strings.LastIndex(rest, "__")
		if at < 0 {
			return "", 0, 0, "", false
		}
		parts[i], rest = rest[at+2:], rest[:at]
	}
	p, err1 := strconv.ParseUint(parts[0], 10, 32)
	s, err2 := strconv.ParseUint(parts[1], 10, 64)
	if err1 != nil || err2 != nil || rest == "" {
		return "", 0, 0, "", false
	}
	return rest, uint32(p), s, parts[2], true
}
