package ssb

// Query is one benchmark query.
type Query struct{ Name, SQL string }

// Queries are the 13 queries of SSB over the flat table.
var Queries = []Query{
	{"q1.1", `SELECT sum(lo_extendedprice * lo_discount) AS revenue FROM lineorder_flat WHERE lo_orderyear = 1993 AND lo_discount BETWEEN 1 AND 3 AND lo_quantity < 25`},
	{"q1.2", `SELECT sum(lo_extendedprice * lo_discount) AS revenue FROM lineorder_flat WHERE lo_orderyearmonth = 199401 AND lo_discount BETWEEN 4 AND 6 AND lo_quantity BETWEEN 26 AND 35`},
	{"q1.3", `SELECT sum(lo_extendedprice * lo_discount) AS revenue FROM lineorder_flat WHERE lo_orderweek = 6 AND lo_orderyear = 1994 AND lo_discount BETWEEN 5 AND 7 AND lo_quantity BETWEEN 26 AND 35`},
	{"q2.1", `SELECT sum(lo_revenue) AS revenue, lo_orderyear, p_brand FROM lineorder_flat WHERE p_category = 'MFGR#12' AND s_region = 'AMERICA' GROUP BY lo_orderyear, p_brand ORDER BY lo_orderyear, p_brand`},
	{"q2.2", `SELECT sum(lo_revenue) AS revenue, lo_orderyear, p_brand FROM lineorder_flat WHERE p_brand >= 'MFGR#2221' AND p_brand <= 'MFGR#2228' AND s_region = 'ASIA' GROUP BY lo_orderyear, p_brand ORDER BY lo_orderyear, p_brand`},
	{"q2.3", `SELECT sum(lo_revenue) AS revenue, lo_orderyear, p_brand FROM lineorder_flat WHERE p_brand = 'MFGR#2239' AND s_region = 'EUROPE' GROUP BY lo_orderyear, p_brand ORDER BY lo_orderyear, p_brand`},
	{"q3.1", `SELECT c_nation, s_nation, lo_orderyear, sum(lo_revenue) AS revenue FROM lineorder_flat WHERE c_region = 'ASIA' AND s_region = 'ASIA' AND lo_orderyear >= 1992 AND lo_orderyear <= 1997 GROUP BY c_nation, s_nation, lo_orderyear ORDER BY lo_orderyear ASC, revenue DESC`},
	{"q3.2", `SELECT c_city, s_city, lo_orderyear, sum(lo_revenue) AS revenue FROM lineorder_flat WHERE c_nation = 'UNITED STATES' AND s_nation = 'UNITED STATES' AND lo_orderyear >= 1992 AND lo_orderyear <= 1997 GROUP BY c_city, s_city, lo_orderyear ORDER BY lo_orderyear ASC, revenue DESC`},
	{"q3.3", `SELECT c_city, s_city, lo_orderyear, sum(lo_revenue) AS revenue FROM lineorder_flat WHERE (c_city = 'UNITED KI1' OR c_city = 'UNITED KI5') AND (s_city = 'UNITED KI1' OR s_city = 'UNITED KI5') AND lo_orderyear >= 1992 AND lo_orderyear <= 1997 GROUP BY c_city, s_city, lo_orderyear ORDER BY lo_orderyear ASC, revenue DESC`},
	{"q3.4", `SELECT c_city, s_city, lo_orderyear, sum(lo_revenue) AS revenue FROM lineorder_flat WHERE (c_city = 'UNITED KI1' OR c_city = 'UNITED KI5') AND (s_city = 'UNITED KI1' OR s_city = 'UNITED KI5') AND lo_orderyearmonth = 199712 GROUP BY c_city, s_city, lo_orderyear ORDER BY lo_orderyear ASC, revenue DESC`},
	{"q4.1", `SELECT lo_orderyear, c_nation, sum(lo_revenue - lo_supplycost) AS profit FROM lineorder_flat WHERE c_region = 'AMERICA' AND s_region = 'AMERICA' AND (p_mfgr = 'MFGR#1' OR p_mfgr = 'MFGR#2') GROUP BY lo_orderyear, c_nation ORDER BY lo_orderyear, c_nation`},
	{"q4.2", `SELECT lo_orderyear, s_nation, p_category, sum(lo_revenue - lo_supplycost) AS profit FROM lineorder_flat WHERE c_region = 'AMERICA' AND s_region = 'AMERICA' AND (lo_orderyear = 1997 OR lo_orderyear = 1998) AND (p_mfgr = 'MFGR#1' OR p_mfgr = 'MFGR#2') GROUP BY lo_orderyear, s_nation, p_category ORDER BY lo_orderyear, s_nation, p_category`},
	{"q4.3", `SELECT lo_orderyear, s_city, p_brand, sum(lo_revenue - lo_supplycost) AS profit FROM lineorder_flat WHERE s_nation = 'UNITED STATES' AND (lo_orderyear = 1997 OR lo_orderyear = 1998) AND p_category = 'MFGR#14' GROUP BY lo_orderyear, s_city, p_brand ORDER BY lo_orderyear, s_city, p_brand`},
}

// Dashboard are 12 queries as dashboards send them.
var Dashboard = []Query{
	{"d01", `SELECT count(*) AS cnt, sum(lo_revenue) AS revenue, max(lo_orderdate) AS last_order FROM lineorder_flat WHERE lo_custkey = 12346`},
	{"d02", `SELECT c_name, sum(lo_revenue) AS revenue FROM lineorder_flat GROUP BY c_name ORDER BY revenue DESC, c_name LIMIT 10`},
	{"d03", `SELECT lo_orderdate, count(*) AS cnt FROM lineorder_flat WHERE c_region = 'EUROPE' GROUP BY lo_orderdate ORDER BY lo_orderdate`},
	{"d04", `SELECT count(DISTINCT lo_custkey) AS customers, count(DISTINCT lo_partkey) AS parts FROM lineorder_flat WHERE lo_orderyear = 1995`},
	{"d05", `SELECT s_region, percentile_cont(0.95) WITHIN GROUP (ORDER BY lo_revenue) AS p95, avg(lo_quantity) AS avg_qty FROM lineorder_flat WHERE lo_orderyear = 1996 GROUP BY s_region ORDER BY s_region`},
	{"d06", `SELECT c_nation, s_nation, p_category, count(*) AS cnt, sum(lo_revenue) AS revenue FROM lineorder_flat GROUP BY c_nation, s_nation, p_category ORDER BY revenue DESC, c_nation, s_nation, p_category LIMIT 20`},
	{"d07", `SELECT p_brand, count(*) AS cnt, sum(lo_revenue) AS revenue FROM lineorder_flat WHERE p_brand IN ('MFGR#1111','MFGR#1210','MFGR#1325','MFGR#2221','MFGR#2339','MFGR#3140','MFGR#4417','MFGR#5512') AND c_mktsegment IN ('BUILDING','AUTOMOBILE') GROUP BY p_brand ORDER BY p_brand`},
	{"d08", `SELECT lo_shipmode, count(*) AS cnt, sum(lo_extendedprice) AS price, avg(lo_quantity) AS avg_qty, min(lo_supplycost) AS min_cost, max(lo_revenue) AS max_rev FROM lineorder_flat WHERE lo_orderdate >= '1995-03-01' AND lo_orderdate <= '1995-05-31' AND lo_extendedprice BETWEEN 1000000 AND 5000000 GROUP BY lo_shipmode ORDER BY lo_shipmode`},
	{"d09", `SELECT p_mfgr, count(*) AS cnt, sum(lo_revenue) AS revenue FROM lineorder_flat WHERE p_name LIKE '%green%' GROUP BY p_mfgr ORDER BY p_mfgr`},
	{"d10", `SELECT s_name, count(*) AS cnt, sum(lo_revenue) AS revenue FROM lineorder_flat GROUP BY s_name HAVING count(*) > 3100 ORDER BY cnt DESC, s_name LIMIT 100`},
	{"d11", `SELECT lo_orderyearmonth, lo_shipmode, sum(lo_revenue) AS revenue, avg(lo_discount) AS avg_discount, count(*) AS cnt FROM lineorder_flat WHERE lo_orderyear BETWEEN 1994 AND 1996 AND p_container LIKE 'JUMBO%' GROUP BY lo_orderyearmonth, lo_shipmode ORDER BY lo_orderyearmonth, lo_shipmode`},
	{"d12", `SELECT lo_orderkey, lo_linenumber, lo_orderdate, c_name, s_name, p_name, lo_revenue FROM lineorder_flat WHERE c_nation = 'FRANCE' ORDER BY lo_orderdate DESC, lo_orderkey, lo_linenumber LIMIT 20`},
}

// ClickHouse holds the queries that ClickHouse wants in other words: aggregates
// of no rows are NULL only when asked for, and ordered-set aggregates have names
// of their own.
var ClickHouse = map[string]string{
	"d01": `SELECT count(*) AS cnt, sumOrNull(lo_revenue) AS revenue, maxOrNull(lo_orderdate) AS last_order FROM lineorder_flat WHERE lo_custkey = 12346`,
	"d05": `SELECT s_region, quantileExactInclusive(0.95)(lo_revenue) AS p95, avg(lo_quantity) AS avg_qty FROM lineorder_flat WHERE lo_orderyear = 1996 GROUP BY s_region ORDER BY s_region`,
}
