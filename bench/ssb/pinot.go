package ssb

// PinotRows is the number of rows of the table that Pinot's figures are for.
const PinotRows = 12_000_000

// Pinot holds the medians in ms of Apache Pinot 1.5.1 (one server, one broker,
// inverted indexes on the low-cardinality dimensions) on a machine with two
// cores. Its server cannot be run beside this benchmark.
var Pinot = map[string]float64{
	"q1.1": 46.0, "q1.2": 16.6, "q1.3": 10.9, "q2.1": 15.4, "q2.2": 28.2, "q2.3": 7.9, "q3.1": 33.9, "q3.2": 15.3,
	"q3.3": 11.8, "q3.4": 16.1, "q4.1": 18.9, "q4.2": 17.6, "q4.3": 21.1,
	"d01": 5.3, "d02": 314.9, "d03": 53.2, "d04": 120.7, "d05": 188.3, "d06": 167.6, "d07": 8.4, "d08": 39.8,
	"d09": 111.5, "d10": 57.1, "d11": 44.7, "d12": 65.4,
}

// PinotStarTree holds Pinot's medians over a narrower table with star-trees.
var PinotStarTree = map[string]float64{
	"q1.1": 7.6, "q1.2": 3.6, "q1.3": 3.4, "q2.1": 4.6, "q2.2": 5.4, "q2.3": 4.2, "q3.1": 7.3, "q3.2": 11.9,
	"q3.3": 7.8, "q3.4": 8.1, "q4.1": 7.4, "q4.2": 6.1, "q4.3": 14.1,
}
