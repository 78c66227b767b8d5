// Package catalog answers pg_catalog, information_schema and the system schema
// as virtual relations that the ordinary query engine reads, and resolves the
// names of tables. It knows tables and PostgreSQL's catalogs; where tables,
// segments and running queries come from is the business of Source.
package catalog

import (
	"context"
	"time"

	"github.com/alluviumdb/alluvium/internal/schema"
)

// Source is what the catalog shows. Implementations are safe for concurrent
// use; what they return is not changed afterwards.
type Source interface {
	// Tables returns the tables as the broker knows them and a version that
	// changes whenever they do. Both halves of a hybrid table are listed.
	Tables() (tables []*schema.Table, version uint64)
	// Database is the name of the database.
	Database() string
	// Users lists the roles.
	Users() []User
	// Instances lists the processes of the cluster.
	Instances() []Instance
	// Segments lists the segments, desired and observed.
	Segments() []Segment
	// Gaps lists the ranges of streams that were skipped.
	Gaps() []Gap
	// Queries lists the running queries of this broker.
	Queries() []Query
	// Settings lists the session settings with their defaults.
	Settings() []Setting
	// Consumers asks the servers for the state of their consuming partitions.
	Consumers(ctx context.Context) ([]Consumer, error)
	// IngestionErrors asks the servers for records that were refused.
	IngestionErrors(ctx context.Context) ([]IngestionError, error)
}

// User is a role.
type User struct {
	ID        uint32 // stable, from 1
	Name      string
	Superuser bool
}

// Instance is a process of the cluster.
type Instance struct {
	ID       string // Server_<host>_<port>
	Role     string // controller, broker, server, minion
	Host     string
	Port     int
	GRPCPort int
	HTTPPort int
	Tags     []string
	State    string // ALIVE, DEAD, DRAINING, …
	Version  string
	Started  time.Time // zero means unknown
	Seen     time.Time // zero means unknown
}

// Segment is a segment of a table. A zero time means unknown.
type Segment struct {
	Table     string // with type: events_REALTIME
	Name      string
	Partition int32
	State     string // CONSUMING, COMMITTED, DURABLE, …; STAGED and RETIRED: queries don't see it
	Rows      int64
	Bytes     int64
	MinTime   time.Time
	MaxTime   time.Time
	Start     string // first offset, as the source prints it
	End       string // offset after the last, "" while consuming
	Created   time.Time
	URI       string
	Replicas  []Replica
}

// visible tells whether queries see the segment.
func (s *Segment) visible() bool { return s.State != "STAGED" && s.State != "RETIRED" }

// Replica is a copy of a segment on a server.
type Replica struct {
	Instance string
	Desired  string // ONLINE, CONSUMING, OFFLINE, …
	Observed string
	Error    string
}

// Consumer is a partition that a server consumes.
type Consumer struct {
	Table     string
	Partition int32
	Instance  string
	Segment   string
	State     string
	Offset    string
	Latest    string
	LagRows   int64 // -1 means unknown
	LagMillis int64 // -1 means unknown
	Rows      int64
	Error     string
}

// Gap is a range of a stream that was lost before it was consumed.
type Gap struct {
	Table     string
	Partition int32
	From, To  string
	Count     int64 // -1 means unknown
	At        time.Time
	Reason    string
}

// IngestionError is a record that was refused.
type IngestionError struct {
	Table     string
	Partition int32
	Offset    string
	At        time.Time
	Reason    string
	Record    []byte // the beginning of the record
}

// Query is a running query.
type Query struct {
	ID      string
	PID     int32
	User    string
	App     string
	Client  string
	Text    string
	Started time.Time
}

// Setting is a session setting.
type Setting struct {
	Name    string
	Default string
	Unit    string
	// Type is bool, string, integer, real or enum.
	Type        string
	Description string
	// Context is user for what a session may change, internal for what it may not.
	Context string
	Enum    []string
}
