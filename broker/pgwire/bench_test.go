//go:build unix

package pgwire

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// BenchmarkSimpleSelect runs a prepared statement over a small table through a
// client on the same machine. cpu-µs/op is the time of the whole process: the
// client's part, about half, is in it.
func BenchmarkSimpleSelect(b *testing.B) {
	f := func(name, sql string, args ...any) {
		b.Run(name, func(b *testing.B) {
			conn := mustDial(b, serve(b, newServer(b, nil)))
			ctx := context.Background()
			run := func() {
				var n int64
				if err := conn.QueryRow(ctx, sql, args...).Scan(&n); err != nil {
					b.Fatal(err)
				}
			}
			run() // prepares
			b.ReportAllocs()
			before := cpuTime(b)
			for b.Loop() {
				run()
			}
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
	f("constant", "SELECT 1::int8")
	f("row", "SELECT id FROM events WHERE product = $1", "shoes")
	f("count", "SELECT count(*) FROM events WHERE id < $1", int64(3))
	f("simple protocol", "SELECT id FROM events WHERE product = $1", pgx.QueryExecModeSimpleProtocol, "shoes")
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
