package controller

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/schema"
)

var errTimeText = errors.New("is neither a date or time such as 2024-01-31 or 2024-01-31T12:00:00Z nor a number of the time column's unit")

// loadRange turns the texts of a range of time, [from, to), into the unit in
// which segments bound the table's time column.
func loadRange(tab *pb.Table, from, to string) (lo, hi int64, err error) {
	def, err := api.DecodeTable(tab)
	if err != nil {
		return 0, 0, err
	}
	i := def.Schema.Index(def.Config.TimeColumn)
	if i < 0 {
		return 0, 0, invalid("table %s has no time column, so that no range of time can be replaced", tab.Name)
	}
	f := &def.Schema.Fields[i]
	if !f.Type.IsTime() && f.Format.Kind != schema.FormatEpoch {
		return 0, 0, invalid("the time column %q of table %s is text, so that no range of time can be replaced", f.Name, tab.Name)
	}
	if lo, err = timeOf(f, from); err != nil {
		return 0, 0, invalid("from: %v", err)
	}
	if hi, err = timeOf(f, to); err != nil {
		return 0, 0, invalid("to: %v", err)
	}
	if lo >= hi {
		return 0, 0, invalid("the range of time to replace is empty: from %s to %s", from, to)
	}
	return lo, hi, nil
}

// timeOf reads a time for a time column: µs for timestamps and dates, the
// column's own count for epochs, rounded up so that [from, to) means the same
// rows.
func timeOf(f *schema.Field, text string) (int64, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && !f.Type.IsTime() {
		return n, nil
	}
	t, err := parseTime(text)
	if err != nil {
		return 0, err
	}
	if f.Type.IsTime() {
		return t.UnixMicro(), nil
	}
	size := max(f.Format.Size, 1)
	if f.Format.Unit == schema.UnitNanos {
		return ceilDiv(t.UnixNano(), size), nil
	}
	return ceilDiv(t.UnixMicro(), int64(f.Format.Unit.Duration()/time.Microsecond)*size), nil
}

func ceilDiv(n, d int64) int64 {
	q := n / d
	if n%d > 0 {
		q++
	}
	return q
}

// timeForms are how a time may be written; UTC where no zone is given.
var timeForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly}

func parseTime(text string) (time.Time, error) {
	for _, form := range timeForms {
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q %w", text, errTimeText)
}
