package testengine

import (
	"context"

	"github.com/alluviumdb/alluvium/broker/catalog"
	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Tables implements catalog.Source.
func (c *Cluster) Tables() ([]*schema.Table, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tables, c.version
}

// Database implements catalog.Source.
func (c *Cluster) Database() string { return Database }

// Users implements catalog.Source.
func (c *Cluster) Users() []catalog.User {
	return []catalog.User{{ID: 1, Name: "admin", Superuser: true}}
}

// Instances implements catalog.Source.
func (c *Cluster) Instances() []catalog.Instance { return nil }

// Segments implements catalog.Source.
func (c *Cluster) Segments() []catalog.Segment { return nil }

// Gaps implements catalog.Source.
func (c *Cluster) Gaps() []catalog.Gap { return nil }

// Queries implements catalog.Source.
func (c *Cluster) Queries() []catalog.Query { return nil }

// Settings implements catalog.Source.
func (c *Cluster) Settings() []catalog.Setting {
	var out []catalog.Setting
	for _, x := range session.DefaultSettings() {
		out = append(out, catalog.Setting{Name: x.Name, Default: x.Default, Type: x.Type, Description: x.Doc, Context: x.Context, Enum: x.Enum})
	}
	return out
}

// Consumers implements catalog.Source.
func (c *Cluster) Consumers(context.Context) ([]catalog.Consumer, error) { return nil, nil }

// IngestionErrors implements catalog.Source.
func (c *Cluster) IngestionErrors(context.Context) ([]catalog.IngestionError, error) { return nil, nil }
