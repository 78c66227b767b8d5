package segment

import "github.com/alluviumdb/alluvium/internal/schema"

// Hidden columns hold what a build derives from the rows: `_seq`, and the times
// of a column truncated to a granularity. They are no columns of the table, do
// not count in the row sum, and have ids from hiddenColumns on.
const hiddenColumns = 1 << 31

// maxDerivable is the number of column ids that can have derived columns.
const maxDerivable = 1 << 26

// Hidden reports whether a column id is one of a hidden column.
func Hidden(columnID uint32) bool { return columnID >= hiddenColumns }

// TruncatedColumnID returns the id of the hidden column that holds a column's
// times truncated to a granularity; ok is false if the id is too large for one.
func TruncatedColumnID(columnID uint32, g schema.Granularity) (id uint32, ok bool) {
	return hiddenColumns | columnID<<4 | uint32(g), columnID < maxDerivable
}

// TruncatedColumnName returns the name of that column, as Pinot forms it.
func TruncatedColumnName(column string, g schema.Granularity) string {
	return "$" + column + "$" + g.String()
}
