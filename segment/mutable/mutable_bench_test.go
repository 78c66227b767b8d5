package mutable

import "testing"

func BenchmarkAppend(b *testing.B) {
	batches := eventBatches(50, 1000)
	b.ReportAllocs()
	b.ResetTimer()
	var s *Segment
	for rows := 0; rows < b.N; rows += 1000 {
		if rows%5_000_000 == 0 {
			var err error
			if s, err = New(Config{Table: eventTable()}); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Append(batches[rows/1000%50]); err != nil {
			b.Fatal(err)
		}
		if err := s.Commit(Commit{Records: 1000}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
