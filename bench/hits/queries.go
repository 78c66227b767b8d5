package hits

import (
	"fmt"
	"strings"
)

// Query is one benchmark query.
type Query struct {
	Name, SQL string
	// Check is the same query with a total order, whose answers can be
	// compared; empty means SQL.
	Check string
	// ClickHouse is SQL where ClickHouse needs other words; empty means SQL.
	ClickHouse string
}

// month restricts to the views of the main site within the month.
const month = `CounterID = 62 AND EventDate >= '2013-07-01' AND EventDate <= '2013-07-31'`

// Queries returns the 43 queries for a table of that many rows; q00 to q42 have
// ClickBench's order and shapes. Bounds on the size of groups follow the rows.
func Queries(rows int) []Query {
	var out []Query
	add := func(sql string, more ...string) {
		q := Query{Name: fmt.Sprintf("q%02d", len(out)), SQL: sql}
		if len(more) > 0 {
			q.Check = more[0]
		}
		if len(more) > 1 {
			q.ClickHouse = more[1]
		}
		out = append(out, q)
	}
	// tie adds columns to ORDER BY of the checked form.
	tie := func(sql, columns string) {
		at := strings.LastIndex(sql, " LIMIT ")
		if at < 0 {
			at = len(sql)
		}
		add(sql, sql[:at]+", "+columns+sql[at:])
	}
	add(`SELECT count(*) FROM hits`)
	add(`SELECT count(*) FROM hits WHERE AdvEngineID <> 0`)
	add(`SELECT sum(AdvEngineID), count(*), avg(ResolutionWidth) FROM hits`)
	// ClickHouse adds up whole numbers modulo 2^64.
	add(`SELECT avg(UserID) FROM hits`, "", `SELECT avg(toFloat64(UserID)) FROM hits`)
	add(`SELECT count(DISTINCT UserID) FROM hits`)
	add(`SELECT count(DISTINCT SearchPhrase) FROM hits`)
	add(`SELECT min(EventDate), max(EventDate) FROM hits`)
	tie(`SELECT AdvEngineID, count(*) FROM hits WHERE AdvEngineID <> 0 GROUP BY AdvEngineID ORDER BY count(*) DESC`, `AdvEngineID`)
	tie(`SELECT RegionID, count(DISTINCT UserID) AS u FROM hits GROUP BY RegionID ORDER BY u DESC LIMIT 10`, `RegionID`)
	tie(`SELECT RegionID, sum(AdvEngineID), count(*) AS c, avg(ResolutionWidth), count(DISTINCT UserID) FROM hits GROUP BY RegionID ORDER BY c DESC LIMIT 10`, `RegionID`)
	tie(`SELECT MobilePhoneModel, count(DISTINCT UserID) AS u FROM hits WHERE MobilePhoneModel <> '' GROUP BY MobilePhoneModel ORDER BY u DESC LIMIT 10`, `MobilePhoneModel`)
	tie(`SELECT MobilePhone, MobilePhoneModel, count(DISTINCT UserID) AS u FROM hits WHERE MobilePhoneModel <> '' GROUP BY MobilePhone, MobilePhoneModel ORDER BY u DESC LIMIT 10`, `MobilePhone, MobilePhoneModel`)
	tie(`SELECT SearchPhrase, count(*) AS c FROM hits WHERE SearchPhrase <> '' GROUP BY SearchPhrase ORDER BY c DESC LIMIT 10`, `SearchPhrase`)
	tie(`SELECT SearchPhrase, count(DISTINCT UserID) AS u FROM hits WHERE SearchPhrase <> '' GROUP BY SearchPhrase ORDER BY u DESC LIMIT 10`, `SearchPhrase`)
	tie(`SELECT SearchEngineID, SearchPhrase, count(*) AS c FROM hits WHERE SearchPhrase <> '' GROUP BY SearchEngineID, SearchPhrase ORDER BY c DESC LIMIT 10`, `SearchEngineID, SearchPhrase`)
	tie(`SELECT UserID, count(*) FROM hits GROUP BY UserID ORDER BY count(*) DESC LIMIT 10`, `UserID`)
	tie(`SELECT UserID, SearchPhrase, count(*) FROM hits GROUP BY UserID, SearchPhrase ORDER BY count(*) DESC LIMIT 10`, `UserID, SearchPhrase`)
	add(`SELECT UserID, SearchPhrase, count(*) FROM hits GROUP BY UserID, SearchPhrase LIMIT 10`,
		`SELECT UserID, SearchPhrase, count(*) FROM hits GROUP BY UserID, SearchPhrase ORDER BY UserID, SearchPhrase LIMIT 10`)
	tie(`SELECT UserID, extract(minute FROM EventTime) AS m, SearchPhrase, count(*) FROM hits GROUP BY UserID, m, SearchPhrase ORDER BY count(*) DESC LIMIT 10`, `UserID, m, SearchPhrase`)
	add(fmt.Sprintf(`SELECT UserID FROM hits WHERE UserID = %d`, UserID(probeUser)))
	add(`SELECT count(*) FROM hits WHERE URL LIKE '%google%'`)
	tie(`SELECT SearchPhrase, min(URL), count(*) AS c FROM hits WHERE URL LIKE '%google%' AND SearchPhrase <> '' GROUP BY SearchPhrase ORDER BY c DESC LIMIT 10`, `SearchPhrase`)
	tie(`SELECT SearchPhrase, min(URL), min(Title), count(*) AS c, count(DISTINCT UserID) FROM hits WHERE Title LIKE '%Google%' AND URL NOT LIKE '%.google.%' AND SearchPhrase <> '' GROUP BY SearchPhrase ORDER BY c DESC LIMIT 10`, `SearchPhrase`)
	// The order of columns is an engine's own matter: the checked form names them.
	const byTime = ` FROM hits WHERE URL LIKE '%google%' ORDER BY EventTime`
	add(`SELECT *`+byTime+` LIMIT 10`, `SELECT `+allColumns()+byTime+`, WatchID LIMIT 10`)
	tie(`SELECT SearchPhrase FROM hits WHERE SearchPhrase <> '' ORDER BY EventTime LIMIT 10`, `SearchPhrase`)
	add(`SELECT SearchPhrase FROM hits WHERE SearchPhrase <> '' ORDER BY SearchPhrase LIMIT 10`)
	add(`SELECT SearchPhrase FROM hits WHERE SearchPhrase <> '' ORDER BY EventTime, SearchPhrase LIMIT 10`)
	tie(fmt.Sprintf(`SELECT CounterID, avg(length(URL)) AS l, count(*) AS c FROM hits WHERE URL <> '' GROUP BY CounterID HAVING count(*) > %d ORDER BY l DESC LIMIT 25`, rows/1000), `CounterID`)
	add(domains(rows, `'^https?://(?:www\.)?([^/]+)/.*$', '\1'`, ``), domains(rows, `'^https?://(?:www\.)?([^/]+)/.*$', '\1'`, `, k`),
		domains(rows, `'^https?://(?:www\\.)?([^/]+)/.*$', '\\1'`, `, k`))
	add(manySums())
	const engines = `SELECT SearchEngineID, ClientIP, count(*) AS c, sum(IsRefresh), avg(ResolutionWidth) FROM hits WHERE SearchPhrase <> '' GROUP BY SearchEngineID, ClientIP ORDER BY c DESC LIMIT 10`
	tie(engines, `SearchEngineID, ClientIP`)
	tie(`SELECT WatchID, ClientIP, count(*) AS c, sum(IsRefresh), avg(ResolutionWidth) FROM hits WHERE SearchPhrase <> '' GROUP BY WatchID, ClientIP ORDER BY c DESC LIMIT 10`, `WatchID, ClientIP`)
	tie(`SELECT WatchID, ClientIP, count(*) AS c, sum(IsRefresh), avg(ResolutionWidth) FROM hits GROUP BY WatchID, ClientIP ORDER BY c DESC LIMIT 10`, `WatchID, ClientIP`)
	tie(`SELECT URL, count(*) AS c FROM hits GROUP BY URL ORDER BY c DESC LIMIT 10`, `URL`)
	tie(`SELECT 1, URL, count(*) AS c FROM hits GROUP BY 1, URL ORDER BY c DESC LIMIT 10`, `URL`)
	tie(`SELECT ClientIP, ClientIP - 1, ClientIP - 2, ClientIP - 3, count(*) AS c FROM hits GROUP BY ClientIP, ClientIP - 1, ClientIP - 2, ClientIP - 3 ORDER BY c DESC LIMIT 10`, `ClientIP`)
	tie(`SELECT URL, count(*) AS PageViews FROM hits WHERE `+month+` AND DontCountHits = 0 AND IsRefresh = 0 AND URL <> '' GROUP BY URL ORDER BY PageViews DESC LIMIT 10`, `URL`)
	tie(`SELECT Title, count(*) AS PageViews FROM hits WHERE `+month+` AND DontCountHits = 0 AND IsRefresh = 0 AND Title <> '' GROUP BY Title ORDER BY PageViews DESC LIMIT 10`, `Title`)
	tie(`SELECT URL, count(*) AS PageViews FROM hits WHERE `+month+` AND IsRefresh = 0 AND IsLink <> 0 AND IsDownload = 0 GROUP BY URL ORDER BY PageViews DESC LIMIT 10 OFFSET 1000`, `URL`)
	tie(`SELECT TraficSourceID, SearchEngineID, AdvEngineID, CASE WHEN (SearchEngineID = 0 AND AdvEngineID = 0) THEN Referer ELSE '' END AS Src, URL AS Dst, count(*) AS PageViews FROM hits WHERE `+month+` AND IsRefresh = 0 GROUP BY TraficSourceID, SearchEngineID, AdvEngineID, Src, Dst ORDER BY PageViews DESC LIMIT 10 OFFSET 1000`, `TraficSourceID, SearchEngineID, AdvEngineID, Src, Dst`)
	tie(fmt.Sprintf(`SELECT URLHash, EventDate, count(*) AS PageViews FROM hits WHERE %s AND IsRefresh = 0 AND TraficSourceID IN (-1, 6) AND RefererHash = %d GROUP BY URLHash, EventDate ORDER BY PageViews DESC LIMIT 10 OFFSET 100`, month, pageHash(0, 0)), `URLHash, EventDate`)
	tie(fmt.Sprintf(`SELECT WindowClientWidth, WindowClientHeight, count(*) AS PageViews FROM hits WHERE %s AND IsRefresh = 0 AND DontCountHits = 0 AND URLHash = %d GROUP BY WindowClientWidth, WindowClientHeight ORDER BY PageViews DESC LIMIT 10 OFFSET 10000`, month, pageHash(0, 0)), `WindowClientWidth, WindowClientHeight`)
	add(`SELECT date_trunc('minute', EventTime) AS M, count(*) AS PageViews FROM hits WHERE CounterID = 62 AND EventDate >= '2013-07-14' AND EventDate <= '2013-07-15' AND IsRefresh = 0 AND DontCountHits = 0 GROUP BY date_trunc('minute', EventTime) ORDER BY date_trunc('minute', EventTime) LIMIT 10 OFFSET 1000`)
	return out
}

// domains is q28, whose pattern is written otherwise for ClickHouse.
func domains(rows int, pattern, tie string) string {
	return fmt.Sprintf(`SELECT regexp_replace(Referer, %s) AS k, avg(length(Referer)) AS l, count(*) AS c, min(Referer) FROM hits WHERE Referer <> '' GROUP BY k HAVING count(*) > %d ORDER BY l DESC%s LIMIT 25`,
		pattern, rows/1000, tie)
}

// allColumns lists the columns of the table.
func allColumns() string {
	names := make([]string, len(Schema().Fields))
	for i, f := range Schema().Fields {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}

// manySums is q29: 90 sums of one column.
func manySums() string {
	sums := make([]string, 90)
	sums[0] = "sum(ResolutionWidth)"
	for i := 1; i < 90; i++ {
		sums[i] = fmt.Sprintf("sum(ResolutionWidth + %d)", i)
	}
	return "SELECT " + strings.Join(sums, ", ") + " FROM hits"
}
