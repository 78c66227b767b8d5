package hits

import (
	_ "embed" // the table config
	"strings"

	"github.com/alluviumdb/alluvium/bench/data"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// config is the table config of the benchmark: sorted by the day, as the
// peers' tables are, with an inverted index on the site.
//
//go:embed hits.table.json
var config []byte

// columns are the names and types in order: s smallint, i integer, l bigint,
// t text, d date, T timestamp.
const columns = `WatchID l JavaEnable s Title t GoodEvent s EventTime T EventDate d CounterID i ClientIP i RegionID i
UserID l CounterClass s OS s UserAgent s URL t Referer t IsRefresh s RefererCategoryID s RefererRegionID i
URLCategoryID s URLRegionID i ResolutionWidth s ResolutionHeight s ResolutionDepth s FlashMajor s FlashMinor s
FlashMinor2 t NetMajor s NetMinor s UserAgentMajor s UserAgentMinor t CookieEnable s JavascriptEnable s IsMobile s
MobilePhone s MobilePhoneModel t Params t IPNetworkID i TraficSourceID s SearchEngineID s SearchPhrase t
AdvEngineID s IsArtifical s WindowClientWidth s WindowClientHeight s ClientTimeZone s ClientEventTime T
SilverlightVersion1 s SilverlightVersion2 s SilverlightVersion3 i SilverlightVersion4 s PageCharset t
CodeVersion i IsLink s IsDownload s IsNotBounce s FUniqID l OriginalURL t HID i IsOldCounter s IsEvent s
IsParameter s DontCountHits s WithHash s HitColor t LocalEventTime T Age s Sex s Income s Interests s
Robotness s RemoteIP i WindowName i OpenerName i HistoryLength s BrowserLanguage t BrowserCountry t
SocialNetwork t SocialAction t HTTPError s SendTiming i DNSTiming i ConnectTiming i ResponseStartTiming i
ResponseEndTiming i FetchTiming i SocialSourceNetworkID s SocialSourcePage t ParamPrice l ParamOrderID t
ParamCurrency t ParamCurrencyID s OpenstatServiceName t OpenstatCampaignID t OpenstatAdID t OpenstatSourceID t
UTMSource t UTMMedium t UTMCampaign t UTMContent t UTMTerm t FromTag t HasGCLID s RefererHash l URLHash l CLID i`

var tableSchema = func() *schema.Schema {
	s := &schema.Schema{Name: "hits", Version: 1}
	types := map[string]schema.Type{"s": schema.Int16, "i": schema.Int32, "l": schema.Int64, "t": schema.Text,
		"d": schema.Date, "T": schema.Timestamp}
	words := strings.Fields(columns)
	for i := 0; i < len(words); i += 2 {
		typ, role := types[words[i+1]], schema.Dimension
		if typ == schema.Date || typ == schema.Timestamp {
			role = schema.DateTime
		}
		data.Fields(s, typ, role, words[i])
	}
	return s
}()

// Schema returns the schema of hits. It is shared: read-only.
func Schema() *schema.Schema { return tableSchema }

// Table describes hits.
func Table() data.Table {
	return data.Table{
		Schema: Schema(), New: func(rows int) data.Source { return New(rows) }, Config: config, SortedBy: "EventDate",
		LowCardinality: []string{
			"FlashMinor2", "UserAgentMinor", "MobilePhoneModel", "PageCharset", "HitColor", "BrowserLanguage",
			"BrowserCountry", "SocialNetwork", "SocialAction", "SocialSourcePage", "ParamCurrency", "OpenstatServiceName",
			"OpenstatCampaignID", "OpenstatAdID", "OpenstatSourceID", "UTMSource", "UTMMedium", "UTMCampaign",
			"UTMContent", "UTMTerm", "FromTag",
		},
	}
}
