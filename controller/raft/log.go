package raft

import (
	"bytes"
	"context"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// newLogger returns a logger for the raft library that writes to ours.
func newLogger(log *slog.Logger) hclog.Logger {
	if log == nil {
		return hclog.NewNullLogger()
	}
	return hclog.New(&hclog.LoggerOptions{
		Level: hclog.Info, Output: logWriter{log.With("component", "raft")}, DisableTime: true,
	})
}

// logWriter turns lines "[LEVEL] text" into records.
type logWriter struct{ log *slog.Logger }

var levels = []struct {
	prefix string
	level  slog.Level
}{
	{"[ERROR] ", slog.LevelError},
	{"[WARN]  ", slog.LevelWarn},
	{"[INFO]  ", slog.LevelInfo},
	{"[DEBUG] ", slog.LevelDebug},
	{"[TRACE] ", slog.LevelDebug},
}

// Write implements io.Writer.
func (w logWriter) Write(p []byte) (int, error) {
	line := bytes.TrimRight(p, "\n")
	level := slog.LevelInfo
	for _, l := range levels {
		if rest, ok := bytes.CutPrefix(line, []byte(l.prefix)); ok {
			line, level = bytes.TrimPrefix(rest, []byte("raft: ")), l.level
			break
		}
	}
	if bytes.HasPrefix(line, []byte("heartbeat timeout reached")) {
		level = slog.LevelInfo // the first election of every start is one
	}
	w.log.Log(context.Background(), level, string(line))
	return len(p), nil
}
