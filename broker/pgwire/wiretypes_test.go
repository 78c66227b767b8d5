package pgwire

import "github.com/jackc/pgx/v5/pgproto3"

// Messages of the client's side, which pgx's own pgproto3 encodes.
type (
	parseMsg     = pgproto3.Parse
	bindMsg      = pgproto3.Bind
	executeMsg   = pgproto3.Execute
	syncMsg      = pgproto3.Sync
	dataRowMsg   = pgproto3.DataRow
	suspendedMsg = pgproto3.PortalSuspended
	completeMsg  = pgproto3.CommandComplete
	readyMsg     = pgproto3.ReadyForQuery
	errorMsg     = pgproto3.ErrorResponse
)
