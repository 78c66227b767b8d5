// Package controller is the role that decides: it holds the cluster's state in
// a Raft log, tells brokers and servers what changed, completes segments, gives
// partitions to servers, and serves the admin HTTP API. It knows segments only
// by their metadata; it never reads one, and never talks to a stream.
package controller
