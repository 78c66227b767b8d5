package controller

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/alluviumdb/alluvium/internal/schema"
)

func (c *Controller) schemaRoutes() []route {
	const one = "/schemas/{schema}"
	return []route{
		{method: "GET", path: "/schemas", summary: "Names of the schemas", handle: c.listSchemas},
		{method: "POST", path: "/schemas", summary: "Create a schema, or change it", body: true,
			params: [][2]string{{"override", "false refuses to change a schema that exists; default true"}}, handle: c.postSchema},
		{method: "POST", path: "/schemas/validate", summary: "Check a schema and change nothing", body: true, handle: c.validateSchema},
		{method: "GET", path: one, summary: "A schema as it was written", handle: c.getSchema},
		{method: "PUT", path: one, summary: "Change a schema; columns can be added while a table uses it", body: true, handle: c.replaceSchema},
		{method: "DELETE", path: one, summary: "Delete a schema that no table uses", handle: c.removeSchema},
	}
}

func (c *Controller) listSchemas(*http.Request) (any, error) {
	names := schemaNames(c.State())
	slices.Sort(names)
	return append([]string{}, names...), nil
}

func schemaOf(r *http.Request) (*definition, error) {
	b, err := readBody(r)
	if err != nil {
		return nil, err
	}
	return readSchema(b)
}

func (c *Controller) postSchema(r *http.Request) (any, error) {
	override, err := boolParam(r, "override", true)
	if err != nil {
		return nil, err
	}
	d, err := schemaOf(r)
	if err != nil {
		return nil, err
	}
	if err := c.putSchema(r.Context(), d, !override); err != nil {
		return nil, err
	}
	return changed(d.name+" successfully added", d.warnings), nil
}

func (c *Controller) validateSchema(r *http.Request) (any, error) {
	d, err := schemaOf(r)
	if err != nil {
		return nil, err
	}
	doc, err := d.schema.PinotJSON()
	return json.RawMessage(doc), err
}

func (c *Controller) getSchema(r *http.Request) (any, error) {
	name := r.PathValue("schema")
	s := c.State().Schema(name)
	if s == nil {
		return nil, notFound("no schema %q%s", name, didYouMean(name, schemaNames(c.State())))
	}
	return json.RawMessage(s.Json), nil
}

func (c *Controller) replaceSchema(r *http.Request) (any, error) {
	name := r.PathValue("schema")
	d, err := schemaOf(r)
	switch {
	case err != nil:
		return nil, err
	case d.name != name:
		return nil, invalid("schemaName %q differs from the name %q in the path", d.name, name)
	case c.State().Schema(name) == nil:
		return nil, notFound("no schema %q%s", name, didYouMean(name, schemaNames(c.State())))
	}
	if err := c.putSchema(r.Context(), d, false); err != nil {
		return nil, err
	}
	return changed(d.name+" successfully added", d.warnings), nil
}

func (c *Controller) removeSchema(r *http.Request) (any, error) {
	name := r.PathValue("schema")
	if err := c.deleteSchema(r.Context(), name); err != nil {
		return nil, err
	}
	return changed("Schema "+name+" deleted", nil), nil
}

// clientSchema prints a table's schema for Pinot's clients.
func clientSchema(b []byte) (json.RawMessage, error) {
	s, _, err := schema.ParsePinotSchema(b)
	if err != nil {
		return nil, err
	}
	doc, err := s.PinotClientJSON()
	return doc, err
}
