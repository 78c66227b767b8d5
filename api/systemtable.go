package api

// System tables that servers answer (Server.SystemTable), with their columns
// in order. Times are µs since 1970.
const (
	// SystemIngestionErrors: table text, partition int8, offset text, time
	// int8, reason text, sample text, segment text.
	SystemIngestionErrors = "ingestion_errors"
	// SystemConsumers: table text, partition int8, segment text, state text,
	// offset text, high watermark text, lag records int8, lag ms int8, rows
	// int8, error text.
	SystemConsumers = "consumers"
)
