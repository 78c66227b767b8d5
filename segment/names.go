package segment

import "fmt"

// Name returns the name of a streamed segment in Pinot's form:
// table__partition__sequence__creation time.
func Name(table string, partition uint32, sequence uint64, created string) string {
	return fmt.Sprintf("%s__%d__%d__%s", table, partition, sequence, created)
}
