package controller

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/controller/state"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// definition is a schema or a table config that was read and found right.
type definition struct {
	schema     *schema.Schema
	schemaJSON []byte
	config     *schema.TableConfig
	name       string
	typ        schema.TableType
	configJSON []byte
	warnings   []string
}

func (d *definition) table() string { return d.name + "_" + string(d.typ) }

// readSchema parses a schema document.
func readSchema(b []byte) (*definition, error) {
	s, warnings, err := schema.ParsePinotSchema(b)
	if err != nil {
		return nil, invalid("schema: %v", oneLine(err))
	}
	if err := schema.CheckTableName(s.Name); err != nil {
		return nil, invalid("schema: schemaName %v", err)
	}
	return &definition{schema: s, schemaJSON: b, name: s.Name, warnings: warnings}, nil
}

// oneLine joins the faults of a document into one sentence.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// readTable parses a table config and checks it, also by what only the query
// engine knows.
func (c *Controller) readTable(configJSON, schemaJSON []byte) (*definition, error) {
	d, err := readTable(c.State(), configJSON, schemaJSON)
	if err != nil || c.cfg.CheckTable == nil {
		return d, err
	}
	t := schema.NewTable(0, 0, d.name, d.typ, d.schema, d.config)
	if err := c.cfg.CheckTable(t); err != nil {
		return nil, invalid("table config: %v", oneLine(err))
	}
	return d, nil
}

// readTable parses a table config and checks it against its schema: the given
// one, or that of the state when nil.
func readTable(st *state.State, configJSON, schemaJSON []byte) (*definition, error) {
	cfg, name, typ, warnings, err := schema.ParsePinotTable(configJSON)
	if err != nil {
		return nil, invalid("table config: %v", oneLine(err))
	}
	if schemaJSON == nil {
		sch := st.Schema(name)
		if sch == nil {
			return nil, notFound("table config: tableName: no schema %q exists; create it first%s", name, didYouMean(name, schemaNames(st)))
		}
		schemaJSON = sch.Json
	}
	d, err := readSchema(schemaJSON)
	if err != nil {
		return nil, err
	}
	if d.name != name {
		return nil, invalid("table config: tableName %q and schemaName %q differ", name, d.name)
	}
	if err := schema.Validate(cfg, d.schema); err != nil {
		return nil, invalid("table config: %v", oneLine(err))
	}
	d.config, d.typ, d.configJSON = cfg, typ, configJSON
	d.warnings = append(warnings, d.warnings...)
	return d, nil
}

func schemaNames(st *state.State) []string {
	var out []string
	for s := range st.Schemas() {
		out = append(out, s.Name)
	}
	return out
}

func didYouMean(name string, candidates []string) string {
	if near, ok := sqlerr.Nearest(name, candidates); ok && near != name {
		return ", did you mean " + near + "?"
	}
	return ""
}

func columnNames(s *schema.Schema) []string {
	out := make([]string, len(s.Fields))
	for i := range s.Fields {
		out[i] = s.Fields[i].Name
	}
	return out
}

// putSchema brings a schema into the state. With create it must be new.
func (c *Controller) putSchema(ctx context.Context, d *definition, create bool) error {
	st := c.State()
	old := st.Schema(d.name)
	if old != nil && string(old.Json) == string(d.schemaJSON) && !create {
		return nil
	}
	if tab := st.TableByName(d.name); tab != nil && old != nil {
		if err := checkLiveChange(tab, d); err != nil {
			return err
		}
	}
	_, err := c.propose(ctx, &pb.Command{Key: newKey(), Body: &pb.Command_PutSchema{PutSchema: &pb.PutSchema{
		Schema:  &pb.Schema{Name: d.name, Json: d.schemaJSON},
		Columns: columnNames(d.schema), Create: create, ExpectedVersion: old.GetVersion(),
	}}})
	return err
}

// checkLiveChange refuses changes of a schema that the table using it cannot
// take without being read again: columns may be added, nothing else.
func checkLiveChange(tab *pb.Table, d *definition) error {
	def, err := api.DecodeTable(tab)
	if err != nil {
		return err
	}
	plain, _, err := schema.ParsePinotSchema(tab.SchemaJson)
	if err != nil {
		return err
	}
	for i := range plain.Fields {
		old := plain.Fields[i]
		at := d.schema.Index(old.Name)
		if at < 0 {
			return conflict("schema %q: dropping the column %q of the table %s is not supported yet", d.name, old.Name, def.NameWithType())
		}
		now := d.schema.Fields[at]
		old.Comment, now.Comment = "", ""
		if old != now {
			return conflict("schema %q: changing the column %q of the table %s is not supported yet", d.name, old.Name, def.NameWithType())
		}
	}
	for i := range d.schema.Fields {
		if f := &d.schema.Fields[i]; plain.Index(f.Name) < 0 && f.NotNull {
			return conflict("schema %q: the added column %q cannot be notNull, since rows without it exist", d.name, f.Name)
		}
	}
	if err := schema.Validate(def.Config, d.schema); err != nil {
		return invalid("schema: %v", oneLine(err))
	}
	return nil
}

// createTable brings a table into the state; withSchema also stores its schema.
func (c *Controller) createTable(ctx context.Context, d *definition, withSchema bool) (*pb.Table, error) {
	cmd := &pb.CreateTable{
		Table:   &pb.Table{Name: d.name, Type: string(d.typ), SchemaJson: d.schemaJSON, ConfigJson: d.configJSON},
		Columns: columnNames(d.schema),
	}
	if withSchema {
		cmd.Schema = &pb.Schema{Name: d.name, Json: d.schemaJSON}
	}
	res, err := c.propose(ctx, &pb.Command{Key: newKey(), Body: &pb.Command_CreateTable{CreateTable: cmd}})
	if err != nil {
		return nil, err
	}
	tab := &pb.Table{}
	if err := proto.Unmarshal(res.Result, tab); err != nil {
		return nil, err
	}
	c.log.Info("table created", "table", d.table(), "id", tab.Id)
	return tab, nil
}

// updateTable changes the indexes of a live table.
func (c *Controller) updateTable(ctx context.Context, tab *pb.Table, d *definition) error {
	if d.name != tab.Name || string(d.typ) != tab.Type {
		return invalid("table config: it is of %s, not of %s", d.table(), typedName(tab))
	}
	def, err := api.DecodeTable(tab)
	if err != nil {
		return err
	}
	if !schema.SameButIndexing(def.Config, d.config) {
		return api.Errorf(http.StatusUnprocessableEntity, "changing more of a table's config than its indexes is not supported yet")
	}
	_, err = c.propose(ctx, &pb.Command{Key: newKey(), Body: &pb.Command_UpdateTable{UpdateTable: &pb.UpdateTable{
		TableId: tab.Id, ConfigJson: d.configJSON, ExpectedVersion: tab.Version,
	}}})
	if err == nil {
		c.log.Info("table config changed", "table", d.table())
	}
	return err
}

// EnsureTable creates a table with its schema from Pinot's documents unless
// one of its name exists. It tells whether it did.
func (c *Controller) EnsureTable(ctx context.Context, schemaJSON, tableJSON []byte) (created bool, err error) {
	if err := c.WaitReady(ctx); err != nil {
		return false, err
	}
	d, err := c.readTable(tableJSON, schemaJSON)
	if err != nil {
		return false, err
	}
	if c.State().TableByName(d.name) != nil {
		return false, nil
	}
	_, err = c.createTable(ctx, d, true)
	if errors.Is(err, api.ErrConflict) && c.State().TableByName(d.name) != nil {
		return false, nil
	}
	return err == nil, err
}

// deleteTable drops a table with everything in it.
func (c *Controller) deleteTable(ctx context.Context, name string) error {
	_, err := c.propose(ctx, &pb.Command{Key: newKey(), Body: &pb.Command_DeleteTable{DeleteTable: &pb.DeleteTable{Name: name}}})
	if err == nil {
		c.log.Info("table deleted", "table", name)
	}
	return err
}

func (c *Controller) deleteSchema(ctx context.Context, name string) error {
	_, err := c.propose(ctx, &pb.Command{Key: newKey(), Body: &pb.Command_DeleteSchema{DeleteSchema: &pb.DeleteSchema{Name: name}}})
	return err
}
