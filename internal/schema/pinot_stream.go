package schema

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Keys of streamConfigs that are ours.
const (
	keyOnGap     = "alluvium.on.gap"
	keyMaxRecord = "alluvium.max.record.bytes"
)

const flushPrefix = "realtime.segment.flush."

// readStream turns the stream's keys, wherever they stood, into StreamConfig.
func (r *tableReader) readStream(root *object) {
	o := r.stream
	switch {
	case o == nil && r.typ == Realtime:
		root.fail("tableIndexConfig.streamConfigs", "a REALTIME table needs a stream")
		return
	case o == nil:
		return
	case r.typ == Offline:
		o.doc.fail(o.path, "an OFFLINE table has no stream")
		return
	}
	s := &StreamConfig{Decoder: "json", Properties: map[string]string{}}
	r.cfg.Stream = s
	s.Kind, _ = o.str("streamType")
	s.Kind = strings.ToLower(s.Kind)
	if s.Kind != "kafka" && s.Kind != "kinesis" {
		o.fail("streamType", "%q is not supported; the streams are kafka and kinesis", s.Kind)
		return
	}
	if s.Topic = r.streamKey(o, "topic.name"); s.Topic == "" {
		o.fail("stream."+s.Kind+".topic.name", "is missing")
	}
	r.readDecoder(o)
	r.readConsumer(o)
	r.readStart(o)
	r.readFlush(o)
	r.readPolicies(o)
	r.keepProperties(o)
	if s.Kind == "kafka" && !hasBrokers(s.Properties) {
		o.fail("stream.kafka.broker.list", "is missing")
	}
}

// hasBrokers tells whether some property names the brokers, with or without
// one of Pinot's prefixes.
func hasBrokers(properties map[string]string) bool {
	for k, v := range properties {
		if v != "" && (strings.HasSuffix(k, "broker.list") || strings.HasSuffix(k, "bootstrap.servers")) {
			return true
		}
	}
	return false
}

// streamKey reads stream.<kind>.<name>.
func (r *tableReader) streamKey(o *object, name string) string {
	v, _ := o.str("stream." + r.cfg.Stream.Kind + "." + name)
	return v
}

// readDecoder maps decoder class names to decoders.
func (r *tableReader) readDecoder(o *object) {
	key := "stream." + r.cfg.Stream.Kind + ".decoder.class.name"
	class, ok := o.str(key)
	short := class[strings.LastIndexByte(class, '.')+1:]
	switch {
	case !ok || strings.EqualFold(class, "json"):
	case strings.HasSuffix(short, "JSONMessageDecoder") || strings.HasSuffix(short, "JsonMessageDecoder"):
		o.warn(key, "records are read by the built-in JSON decoder")
	default:
		o.fail(key, "the decoder %q is not supported yet; only JSON is", class)
	}
}

func (r *tableReader) readConsumer(o *object) {
	key := "stream." + r.cfg.Stream.Kind + ".consumer.type"
	switch kind, ok := o.str(key); {
	case !ok || strings.EqualFold(kind, "lowlevel") || strings.EqualFold(kind, "simple") || strings.EqualFold(kind, "partition"):
	default:
		o.fail(key, "the consumer type %q is not supported; partitions are read one by one (lowlevel)", kind)
	}
	for _, name := range []string{"consumer.factory.class.name", "hlc.group.id", "hlc.zk.connect.string", "zk.broker.url"} {
		o.ignore("stream." + r.cfg.Stream.Kind + "." + name)
	}
}

// readStart reads where a new partition begins. Kinesis may also say it with
// shardIteratorType, which the source reads itself.
func (r *tableReader) readStart(o *object) {
	key := "stream." + r.cfg.Stream.Kind + ".consumer.prop.auto.offset.reset"
	v, ok := o.str(key)
	if !ok {
		r.cfg.Stream.Start = r.kinesisStart(o)
		return
	}
	switch low := strings.ToLower(v); {
	case low == "smallest" || low == "earliest" || low == "":
		r.cfg.Stream.Start = "smallest"
	case low == "largest" || low == "latest":
		r.cfg.Stream.Start = "largest"
	case strings.HasPrefix(low, "offset:") && len(v) > len("offset:"):
		r.cfg.Stream.Start = "offset:" + v[len("offset:"):]
	case isTimestamp(v):
		r.cfg.Stream.Start = v
	default:
		o.fail(key, "%q is none of smallest, largest, a timestamp such as 2024-05-01T00:00:00Z, or offset:<position>", v)
	}
}

func isTimestamp(v string) bool {
	if _, err := strconv.ParseInt(v, 10, 64); err == nil {
		return true
	}
	_, err := time.Parse(time.RFC3339Nano, v)
	return err == nil
}

// kinesisStart keeps the key for the source, which knows the positions that
// need more than a word.
func (r *tableReader) kinesisStart(o *object) string {
	v, _ := scalarText(o.keys["shardIteratorType"])
	switch strings.ToUpper(v) {
	case "LATEST":
		return "largest"
	case "TRIM_HORIZON":
		return "smallest"
	}
	return ""
}

// readFlush reads the thresholds that seal a consuming segment.
func (r *tableReader) readFlush(o *object) {
	s := r.cfg.Stream
	for _, name := range []string{"threshold.rows", "threshold.segment.rows"} {
		if n, ok := o.integer(flushPrefix+name, 0); ok && n > 0 {
			s.FlushRows = n
		}
	}
	if v, ok := o.str(flushPrefix + "threshold.time"); ok {
		d, err := parsePeriod(v)
		if err != nil {
			o.fail(flushPrefix+"threshold.time", "%v", err)
		}
		s.FlushTime = d
	}
	if v, ok := o.str(flushPrefix + "threshold.segment.size"); ok {
		s.FlushBytes = r.readSize(o, flushPrefix+"threshold.segment.size", v)
	}
	r.readOldSize(o)
	o.ignore(flushPrefix+"autotune.initialRows", flushPrefix+"desired.size.segment.size",
		flushPrefix+"threshold.variance.percentage", "realtime.segment.commit.timeoutSeconds",
		"realtime.segment.serverUploadToDeepStore", "realtime.segment.pauseless.download.timeoutSeconds")
}

// readOldSize reads threshold.size, which counts rows in Pinot unless it has a
// unit.
func (r *tableReader) readOldSize(o *object) {
	key := flushPrefix + "threshold.size"
	v, ok := o.str(key)
	if !ok {
		return
	}
	n, err := strconv.Atoi(strings.TrimSpace(v))
	switch {
	case err != nil:
		r.cfg.Stream.FlushBytes = r.readSize(o, key, v)
	case n < 0:
		o.fail(key, "must not be negative")
	case n > 0:
		o.warn(key, "a number without unit counts rows")
		r.cfg.Stream.FlushRows = n
	}
}

func (r *tableReader) readSize(o *object, key, v string) int64 {
	n, err := parseDataSize(v)
	if err != nil {
		o.fail(key, "%v", err)
	}
	return n
}

func (r *tableReader) readPolicies(o *object) {
	if v, ok := o.str(keyOnGap); ok {
		switch p := GapPolicy(strings.ToLower(v)); p {
		case GapStop, GapResume:
			r.cfg.OnGap = p
		default:
			o.fail(keyOnGap, "%q is neither stop nor resume", v)
		}
	}
	if v, ok := o.str(keyMaxRecord); ok {
		n := r.readSize(o, keyMaxRecord, v)
		if n > math.MaxInt32 {
			o.fail(keyMaxRecord, "must be less than 2G")
		}
		r.cfg.MaxRecordSize = int(n)
	}
}

// keepProperties hands all other keys to the source, which names those that it
// does not know.
func (r *tableReader) keepProperties(o *object) {
	for k := range o.keys {
		if o.taken[k] {
			continue
		}
		if v, ok := o.str(k); ok {
			r.cfg.Stream.Properties[k] = v
		}
	}
}

// periodUnits are the units of a period such as "1d6h".
var periodUnits = map[string]time.Duration{
	"d": 24 * time.Hour, "h": time.Hour, "m": time.Minute, "s": time.Second, "ms": time.Millisecond,
}

// parsePeriod reads "6h", "1d12h", "30m", "90s", "500ms" or a bare number of
// milliseconds. Zero means the default.
func parsePeriod(text string) (time.Duration, error) {
	rest := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text), " ", ""))
	bad := fmt.Errorf("%q is no period; write for example 6h, 30m or 1d12h", text)
	if n, err := strconv.ParseInt(rest, 10, 64); err == nil {
		rest = strconv.FormatInt(n, 10) + "ms"
	}
	if rest == "" {
		return 0, bad
	}
	var total time.Duration
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		letters := len(rest[digits:]) - len(strings.TrimLeft(rest[digits:], "dhms"))
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		unit, ok := periodUnits[rest[digits:digits+letters]]
		if err != nil || !ok || n > int64((math.MaxInt64-total)/unit) {
			return 0, bad
		}
		total += time.Duration(n) * unit
		rest = rest[digits+letters:]
	}
	return total, nil
}

// parseDataSize reads "150M", "1.5G", "200MB" or a bare number of bytes;
// units are powers of 1024.
func parseDataSize(text string) (int64, error) {
	t := strings.ToUpper(strings.TrimSpace(text))
	digits := len(t) - len(strings.TrimLeft(t, "0123456789."))
	n, err := strconv.ParseFloat(t[:digits], 64)
	unit := strings.TrimSuffix(strings.TrimSpace(t[digits:]), "B")
	shift := map[string]uint{"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
	s, ok := shift[unit]
	if err != nil || !ok || n*float64(uint64(1)<<s) > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is no size; write for example 150M or 1G", text)
	}
	return int64(n * float64(uint64(1)<<s)), nil
}
