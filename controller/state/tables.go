package state

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api/pb"
)

// putSchema creates or replaces a schema. The table of the same name, if any,
// takes it over with a new schema version. Whether the change is one that a
// live table can take is checked by the proposer.
func (t *tx) putSchema(c *pb.PutSchema) (proto.Message, error) {
	in := c.Schema
	if in.GetName() == "" || len(c.Columns) == 0 {
		return nil, invalid("the schema has no name or no columns")
	}
	old := t.Schema(in.Name)
	switch {
	case old == nil && c.ExpectedVersion != 0:
		return nil, conflict("schema %q was deleted meanwhile", in.Name)
	case old != nil && c.Create:
		return nil, conflict("schema %q already exists", in.Name)
	case old != nil && c.ExpectedVersion != 0 && c.ExpectedVersion != old.Version:
		return nil, conflict("schema %q was changed meanwhile (version %d, not %d)", in.Name, old.Version, c.ExpectedVersion)
	}
	next := &pb.Schema{Name: in.Name, Version: old.GetVersion() + 1, Json: in.Json}
	t.setSchema(next)
	if tab := t.schemaUser(in.Name); tab != nil {
		t.changeTableSchema(tab, in.Json, c.Columns)
	}
	return next, nil
}

// schemaUser returns the table that uses a schema.
func (s *State) schemaUser(name string) *pb.Table {
	tab := s.TableByName(name)
	if tab == nil || tab.Name != name {
		return nil
	}
	return tab
}

func (t *tx) changeTableSchema(old *pb.Table, json []byte, columns []string) {
	tab := clone(old)
	tab.SchemaHistory = append(tab.SchemaHistory, &pb.Schema{Name: old.Name, Version: old.SchemaVersion, Json: old.SchemaJson})
	tab.SchemaJson = json
	tab.SchemaVersion++
	tab.Version++
	bindColumns(tab, columns)
	t.setTable(tab)
}

// bindColumns gives every column an id: a column that stays keeps its own, a
// new one gets the next. Ids are never used again, so a column that was
// dropped and added again is another column.
func bindColumns(tab *pb.Table, columns []string) {
	ids := make(map[string]uint32, len(tab.ColumnIds))
	for _, c := range tab.ColumnIds {
		ids[c.Name] = c.Id
	}
	tab.NextColumnId = max(tab.NextColumnId, 1)
	bound := make([]*pb.ColumnID, 0, len(columns))
	for _, name := range columns {
		id, known := ids[name]
		if !known {
			id = tab.NextColumnId
			tab.NextColumnId++
		}
		bound = append(bound, &pb.ColumnID{Name: name, Id: id})
	}
	tab.ColumnIds = bound
}

func (t *tx) deleteSchema(c *pb.DeleteSchema) (proto.Message, error) {
	old := t.Schema(c.Name)
	if old == nil {
		return nil, notFound("no schema %q", c.Name)
	}
	if tab := t.schemaUser(c.Name); tab != nil {
		return nil, conflict("schema %q is used by the table %s_%s", c.Name, tab.Name, tab.Type)
	}
	t.schemas.delete(c.Name)
	t.changed(&pb.Change{Deleted: true, Entity: &pb.Change_Schema{Schema: old}})
	return nil, nil
}

// createTable makes a table of the schema with its name, which may come in the
// same command.
func (t *tx) createTable(c *pb.CreateTable) (proto.Message, error) {
	in := c.Table
	if in.GetName() == "" || len(c.Columns) == 0 {
		return nil, invalid("the table has no name or no columns")
	}
	if err := t.checkTableName(in); err != nil {
		return nil, err
	}
	sch := t.Schema(in.Name)
	switch {
	case c.Schema != nil && (sch == nil || string(sch.Json) != string(c.Schema.Json)):
		sch = &pb.Schema{Name: in.Name, Version: sch.GetVersion() + 1, Json: c.Schema.Json}
		t.setSchema(sch)
	case sch == nil:
		return nil, notFound("no schema %q; create it before the table", in.Name)
	case string(sch.Json) != string(in.SchemaJson):
		return nil, conflict("schema %q was changed meanwhile", in.Name)
	}
	tab := &pb.Table{
		Id: t.nextTableID, Version: 1, Name: in.Name, Type: in.Type,
		SchemaJson: sch.Json, ConfigJson: in.ConfigJson, SchemaVersion: 1,
		CreatedMicros: t.cmd.TimeMicros,
	}
	bindColumns(tab, c.Columns)
	t.nextTableID++
	t.tableNames.set(strings.ToLower(tab.Name), tab.Id)
	t.setTable(tab)
	return tab, nil
}

// checkTableName refuses names that are taken, also by case.
func (t *tx) checkTableName(in *pb.Table) error {
	old := t.TableByName(in.Name)
	switch {
	case old == nil:
		return nil
	case old.Name != in.Name:
		return conflict("table %q differs only by case from the table %q", in.Name, old.Name)
	case old.Type != in.Type:
		return conflict("table %s_%s exists; a table of both types is not supported yet", old.Name, old.Type)
	}
	return conflict("table %s_%s already exists", old.Name, old.Type)
}

// updateTable replaces the config of a table. Whether a live table can take the
// change is checked by the proposer, against the version that it expects.
func (t *tx) updateTable(c *pb.UpdateTable) (proto.Message, error) {
	old := t.Table(c.TableId)
	switch {
	case old == nil:
		return nil, notFound("no table with the id %d", c.TableId)
	case old.Version != c.ExpectedVersion:
		return nil, conflict("table %s_%s was changed meanwhile (version %d, not %d)", old.Name, old.Type, old.Version, c.ExpectedVersion)
	case len(c.ConfigJson) == 0:
		return nil, invalid("the config is missing")
	}
	tab := clone(old)
	tab.ConfigJson = c.ConfigJson
	tab.Version++
	t.setTable(tab)
	return tab, nil
}

// deleteTable drops a table with everything in it. The segments are told to
// watchers before the table, each with its replicas and its place in the deep
// store, so that their holders delete both.
func (t *tx) deleteTable(c *pb.DeleteTable) (proto.Message, error) {
	tab := t.TableByName(c.Name)
	if tab == nil {
		return nil, notFound("no table %q", c.Name)
	}
	for _, seg := range slices.Collect(t.TableSegments(tab.Id)) {
		t.dropSegment(seg)
	}
	t.dropLoads(tab.Id)
	for k, p := range t.partitions.all(tableKey(tab.Id)) {
		t.partitions.delete(k)
		t.changed(&pb.Change{Deleted: true, Entity: &pb.Change_Partition{Partition: p}})
	}
	for k, g := range t.gaps.all(tableKey(tab.Id)) {
		t.gaps.delete(k)
		t.changed(&pb.Change{Deleted: true, Entity: &pb.Change_Gap{Gap: g}})
	}
	t.tables.delete(tableKey(tab.Id))
	t.tableNames.delete(strings.ToLower(tab.Name))
	t.changed(&pb.Change{Deleted: true, Entity: &pb.Change_Table{Table: tab}})
	return tab, nil
}
