package api

import (
	"fmt"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// DecodeTable parses a table of the cluster state: schema and config from
// their documents, with the table's id, versions and column ids filled in.
func DecodeTable(t *pb.Table) (*schema.Table, error) {
	return DecodeTableAt(t, t.GetSchemaVersion())
}

// DecodeTableAt is DecodeTable with the schema as it was at an older version,
// which a segment names as its schema_version. A replica that reads the range
// of a segment again must decode with that schema to get the same rows.
func DecodeTableAt(t *pb.Table, version uint32) (*schema.Table, error) {
	doc := schemaAt(t, version)
	if doc == nil {
		return nil, fmt.Errorf("table %q has no schema version %d", t.GetName(), version)
	}
	sch, _, err := schema.ParsePinotSchema(doc)
	if err != nil {
		return nil, fmt.Errorf("schema of table %q: %w", t.GetName(), err)
	}
	cfg, name, typ, _, err := schema.ParsePinotTable(t.GetConfigJson())
	if err != nil {
		return nil, fmt.Errorf("config of table %q: %w", t.GetName(), err)
	}
	cfg.Indexing = cfg.Indexing.For(sch)
	sch.Version = version
	sch.NextColumnID = t.GetNextColumnId()
	if err := bindColumnIDs(sch, t); err != nil {
		return nil, err
	}
	return schema.NewTable(t.GetId(), t.GetVersion(), name, typ, sch, cfg), nil
}

func schemaAt(t *pb.Table, version uint32) []byte {
	if version == t.GetSchemaVersion() {
		return t.GetSchemaJson()
	}
	for _, h := range t.GetSchemaHistory() {
		if h.GetVersion() == version {
			return h.GetJson()
		}
	}
	return nil
}

func bindColumnIDs(sch *schema.Schema, t *pb.Table) error {
	ids := make(map[string]uint32, len(t.GetColumnIds()))
	for _, c := range t.GetColumnIds() {
		ids[c.GetName()] = c.GetId()
	}
	for i := range sch.Fields {
		f := &sch.Fields[i]
		if f.ID = ids[f.Name]; f.ID == 0 {
			return fmt.Errorf("table %q: column %q has no id", t.GetName(), f.Name)
		}
	}
	return nil
}

// Visible tells whether queries see a segment: it is not staged by a load that
// is still open, and no load has replaced it.
func Visible(seg *pb.Segment) bool { return !seg.GetStaged() && seg.GetRetiredMicros() == 0 }
