package schema

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// recordTimestamp is the transform that makes a column the stream's record
// timestamp, as Pinot spells it.
const recordTimestamp = "__metadata$recordTimestamp"

// ParsePinotTable reads a Pinot table config. It returns the config, the raw
// table name without _REALTIME or _OFFLINE, and the table's type. Keys without
// effect are named in the warnings, what does not exist yet is refused by its
// path; all faults are told at once.
func ParsePinotTable(b []byte) (*TableConfig, string, TableType, []string, error) {
	d := &document{}
	root, err := d.parseObject(b)
	if err != nil {
		return nil, "", "", nil, err
	}
	r := tableReader{cfg: &TableConfig{Raw: slices.Clone(json.RawMessage(b))}}
	r.read(root)
	warnings, err := d.result()
	if err != nil {
		return nil, r.name, r.typ, warnings, err
	}
	return r.cfg, r.name, r.typ, warnings, nil
}

// tableReader reads the sections of a table config into cfg.
type tableReader struct {
	cfg  *TableConfig
	name string
	typ  TableType
	// stream is where the stream's keys were found, nil if nowhere.
	stream *object
}

func (r *tableReader) read(o *object) {
	r.readName(o)
	r.readSegments(o.child("segmentsConfig"))
	r.readTenants(o.child("tenants"))
	r.readIndexing(o.child("tableIndexConfig"))
	for _, f := range o.children("fieldConfigList") {
		r.readFieldConfig(f)
	}
	r.readIngestion(o.child("ingestionConfig"))
	r.readStream(o)
	o.refuse("isDimTable", "dimensionTableConfig", "upsertConfig", "dedupConfig", "quota", "tierConfigs",
		"instanceAssignmentConfigMap", "instancePartitionsMap", "segmentAssignmentConfigMap",
		"task", "query", "temporalConfig", "tableSamplers")
	o.ignoreFilled("routing", "metadata", "tunerConfigs")
	o.silent("description", "tags")
	o.done()
}

// ignoreFilled names keys without effect, unless their value asks for nothing:
// Pinot's documents carry many such sections empty.
func (o *object) ignoreFilled(keys ...string) {
	for _, k := range keys {
		if v, ok := o.take(k); ok && !isEmpty(v) {
			o.warn(k, "has no effect in Alluvium")
		}
	}
}

func (r *tableReader) readName(o *object) {
	name, _ := o.str("tableName")
	typ, _ := o.str("tableType")
	r.typ = TableType(strings.ToUpper(typ))
	raw, suffix := SplitTableName(name)
	switch {
	case typ == "" && suffix != "":
		r.typ = suffix
	case typ == "":
		o.fail("tableType", "is missing; it is REALTIME or OFFLINE")
	case r.typ != Realtime && r.typ != Offline:
		o.fail("tableType", "unknown type %q; it is REALTIME or OFFLINE", typ)
	case suffix != "" && suffix != r.typ:
		o.fail("tableName", "%q contradicts the tableType %s", name, r.typ)
	}
	r.name = raw
	if err := CheckTableName(raw); err != nil {
		o.fail("tableName", "%v", err)
	}
}

// SplitTableName cuts _REALTIME or _OFFLINE off a table name.
func SplitTableName(name string) (raw string, typ TableType) {
	for _, t := range []TableType{Realtime, Offline} {
		if raw, ok := strings.CutSuffix(name, "_"+string(t)); ok && raw != "" {
			return raw, t
		}
	}
	return name, ""
}

// maxNameBytes bounds table names, which become parts of file names.
const maxNameBytes = 128

// CheckTableName refuses raw table names that cannot be told apart in SQL,
// URLs, or segment names.
func CheckTableName(raw string) error {
	_, suffix := SplitTableName(raw)
	switch {
	case raw == "":
		return fmt.Errorf("is missing")
	case len(raw) > maxNameBytes:
		return fmt.Errorf("is longer than %d bytes", maxNameBytes)
	case suffix != "":
		return fmt.Errorf("%q ends in _%s, which marks the halves of a table", raw, suffix)
	case strings.HasPrefix(raw, "_") || strings.HasPrefix(raw, "$"):
		return fmt.Errorf("%q begins with _ or $, which is reserved", raw)
	case strings.Contains(raw, "__"):
		return fmt.Errorf("%q contains __, which separates the parts of segment names", raw)
	}
	for _, c := range raw {
		if c < ' ' || c == 0x7f || strings.ContainsRune(`/\.%"`, c) || c == '\ufffd' {
			return fmt.Errorf("%q contains %q", raw, c)
		}
	}
	return nil
}

func (r *tableReader) readSegments(o *object) {
	if o == nil {
		return
	}
	r.cfg.TimeColumn, _ = o.str("timeColumnName")
	for _, key := range []string{"replication", "replicasPerPartition"} {
		if n, ok := o.integer(key, 1); ok {
			r.cfg.Replication = n
			if n > 1 {
				o.fail(key, "more than 1 is not supported yet")
			}
		}
	}
	r.readRetention(o)
	if s, ok := o.str("schemaName"); ok && s != r.name && s != "" {
		o.fail("schemaName", "%q must be the table's name %q", s, r.name)
	}
	o.refuse("replicaGroupStrategyConfig", "crypterClassName")
	o.ignore("timeType", "segmentPushType", "segmentPushFrequency", "segmentAssignmentStrategy", "allowNullTimeValue",
		"minimizeDataMovement", "peerSegmentDownloadScheme", "completionConfig", "deletedSegmentsRetentionPeriod",
		"untrackedSegmentsDeletionBatchSize", "untrackedSegmentsRetentionTimeUnit", "untrackedSegmentsRetentionTimeValue")
	o.done()
}

func (r *tableReader) readRetention(o *object) {
	n, hasValue := o.integer("retentionTimeValue", 0)
	unit, hasUnit := o.str("retentionTimeUnit")
	u, known := timeUnits[strings.ToUpper(unit)]
	switch {
	case hasUnit && unit != "" && !known:
		o.fail("retentionTimeUnit", "unknown time unit %q", unit)
	case n > 0 && !known:
		o.fail("retentionTimeUnit", "is missing beside retentionTimeValue")
	case hasUnit && unit != "" && !hasValue:
		o.fail("retentionTimeValue", "is missing beside retentionTimeUnit")
	case n > 0 && int64(n) > math.MaxInt64/int64(u.size):
		o.fail("retentionTimeValue", "%d %s is too long", n, unit)
	default:
		r.cfg.Retention = time.Duration(n) * u.size
	}
}

func (r *tableReader) readTenants(o *object) {
	if o == nil {
		return
	}
	r.cfg.BrokerTenant, _ = o.str("broker")
	r.cfg.ServerTenant, _ = o.str("server")
	o.refuse("tagOverrideConfig")
	o.done()
}

func (r *tableReader) readIngestion(o *object) {
	if o == nil {
		return
	}
	for _, t := range o.children("transformConfigs") {
		r.readTransform(t)
	}
	if s := o.child("streamIngestionConfig"); s != nil {
		r.readStreamIngestion(s)
	}
	o.refuse("filterConfig", "complexTypeConfig", "schemaConformingTransformerConfig",
		"schemaConformingTransformerV2Config", "aggregationConfigs", "enrichmentConfigs")
	if b := o.child("batchIngestionConfig"); b != nil {
		b.refuse("batchConfigMaps", "consistentDataPush")
		b.ignore("segmentIngestionType", "segmentIngestionFrequency", "segmentNameSpec")
		b.done()
	}
	o.ignore("continueOnError", "rowTimeValueCheck", "segmentTimeValueCheck", "retryOnSegmentBuildPrecheckFailure")
	o.done()
}

func (r *tableReader) readTransform(o *object) {
	column, _ := o.str("columnName")
	function, _ := o.str("transformFunction")
	switch {
	case column == "":
		o.fail("columnName", "is missing")
	case function == recordTimestamp:
		if slices.Contains(r.cfg.ArrivalColumns, column) {
			o.fail("columnName", "%q is named twice", column)
		}
		r.cfg.ArrivalColumns = append(r.cfg.ArrivalColumns, column)
	default:
		o.fail("transformFunction", "the transform %q is not supported yet; only %q is", function, recordTimestamp)
	}
	o.done()
}

func (r *tableReader) readStreamIngestion(o *object) {
	maps := o.children("streamConfigMaps")
	if len(maps) > 1 {
		o.fail("streamConfigMaps", "several streams for one table are not supported yet")
	}
	if len(maps) > 0 {
		r.setStream(maps[0])
	}
	o.refuse("throttlingConfig", "topicIngestionPaused")
	o.ignore("columnMajorSegmentBuilderEnabled", "trackFilteredMessageOffsets", "parallelSegmentConsumptionPolicy",
		"enforceConsumptionInOrder", "pauselessConsumptionEnabled", "useEarliestOffset")
	o.done()
}

func (r *tableReader) setStream(o *object) {
	if r.stream != nil && len(r.stream.keys) > 0 && len(o.keys) > 0 {
		o.doc.fail(o.path, "the stream is also configured at %s", r.stream.path)
		return
	}
	if len(o.keys) > 0 {
		r.stream = o
	}
}
