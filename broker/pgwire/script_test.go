package pgwire

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

var rewrite = flag.Bool("rewrite", false, "write the expected answers of testdata anew")

// TestProtocol plays the scripts of testdata, each on a connection of its own.
// A script is made of blocks: messages to send, a line of dashes, the messages
// that answer. Messages are written as
//
//	Q sql                               Query
//	P statement oid,oid|- sql           Parse
//	B portal statement [p=t:text|p=b:hex|p=null]… [r=0|1,…]   Bind
//	D S|P name    E portal rows    C S|P name    H    S    F
//
// with - for the empty name.
func TestProtocol(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	addr := serve(t, newServer(t, trusting))
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { playFile(t, addr, file) })
	}
}

func playFile(t *testing.T, addr, file string) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	fe := mustDial(t, addr).PgConn().Frontend()
	var out strings.Builder
	for _, block := range strings.Split(strings.TrimSpace(string(raw)), "\n\n") {
		input, _, _ := strings.Cut(block, "\n----")
		out.WriteString(input + "\n----\n" + play(t, fe, input) + "\n")
	}
	got := strings.TrimSuffix(out.String(), "\n")
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != string(raw) {
		t.Errorf("%s: got\n%s", file, got)
	}
}

// play sends the messages of a block and returns the answers up to the
// ReadyForQuery of each Query, Sync and FunctionCall.
func play(t *testing.T, fe *pgproto3.Frontend, input string) string {
	t.Helper()
	cycles := 0
	for _, line := range strings.Split(input, "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		m := message(t, line)
		switch m.(type) {
		case *pgproto3.Query, *pgproto3.Sync, *pgproto3.FunctionCall:
			cycles++
		}
		fe.Send(m)
	}
	if err := fe.Flush(); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for cycles > 0 {
		m, err := fe.Receive()
		if err != nil {
			t.Fatalf("%s\nafter\n%s: %v", input, out.String(), err)
		}
		if _, ok := m.(*pgproto3.ReadyForQuery); ok {
			cycles--
		}
		out.WriteString(show(m) + "\n")
	}
	return out.String()
}

func named(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

func message(t *testing.T, line string) pgproto3.FrontendMessage {
	t.Helper()
	kind, rest, _ := strings.Cut(line, " ")
	words := strings.Fields(rest)
	switch kind {
	case "Q":
		return &pgproto3.Query{String: rest}
	case "P":
		part := strings.SplitN(rest, " ", 3)
		m := &pgproto3.Parse{Name: named(part[0])}
		if len(part) == 3 {
			m.Query = part[2]
		}
		for _, oid := range strings.Split(strings.Trim(part[1], "-"), ",") {
			if oid != "" {
				m.ParameterOIDs = append(m.ParameterOIDs, uint32(number(t, oid)))
			}
		}
		return m
	case "B":
		return bindOf(t, words)
	case "D":
		return &pgproto3.Describe{ObjectType: words[0][0], Name: named(words[1])}
	case "E":
		return &pgproto3.Execute{Portal: named(words[0]), MaxRows: uint32(number(t, words[1]))}
	case "C":
		return &pgproto3.Close{ObjectType: words[0][0], Name: named(words[1])}
	case "H":
		return &pgproto3.Flush{}
	case "S":
		return &pgproto3.Sync{}
	case "F":
		return &pgproto3.FunctionCall{Function: 1}
	}
	t.Fatalf("unknown message %q", line)
	return nil
}

func bindOf(t *testing.T, words []string) *pgproto3.Bind {
	t.Helper()
	m := &pgproto3.Bind{DestinationPortal: named(words[0]), PreparedStatement: named(words[1])}
	for _, w := range words[2:] {
		key, value, _ := strings.Cut(w, "=")
		if key == "r" {
			for _, f := range strings.Split(value, ",") {
				m.ResultFormatCodes = append(m.ResultFormatCodes, int16(number(t, f)))
			}
			continue
		}
		format, raw := int16(0), []byte(nil)
		switch kind, text, _ := strings.Cut(value, ":"); kind {
		case "t":
			raw = []byte(text)
		case "b":
			format = 1
			var err error
			if raw, err = hex.DecodeString(text); err != nil {
				t.Fatal(err)
			}
		}
		m.ParameterFormatCodes = append(m.ParameterFormatCodes, format)
		m.Parameters = append(m.Parameters, raw)
	}
	return m
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// show prints a message in one line.
func show(m pgproto3.BackendMessage) string {
	switch m := m.(type) {
	case *pgproto3.RowDescription:
		cols := make([]string, len(m.Fields))
		for i, f := range m.Fields {
			cols[i] = fmt.Sprintf("%s:%d", f.Name, f.DataTypeOID)
			if f.TypeModifier != -1 {
				cols[i] += fmt.Sprintf("(%d)", f.TypeModifier)
			}
			if f.TableAttributeNumber != 0 {
				cols[i] += fmt.Sprintf("@%d", f.TableAttributeNumber)
			}
			if f.Format == 1 {
				cols[i] += " binary"
			}
		}
		return "RowDescription " + strings.Join(cols, ", ")
	case *pgproto3.DataRow:
		return "DataRow " + showRow(m.Values)
	case *pgproto3.ParameterDescription:
		return fmt.Sprint("ParameterDescription ", m.ParameterOIDs)
	case *pgproto3.CommandComplete:
		return "CommandComplete " + string(m.CommandTag)
	case *pgproto3.ReadyForQuery:
		return "ReadyForQuery " + string(m.TxStatus)
	case *pgproto3.ParameterStatus:
		return "ParameterStatus " + m.Name + "=" + m.Value
	case *pgproto3.ErrorResponse:
		return showError(m)
	case *pgproto3.NoticeResponse:
		return fmt.Sprintf("Notice %s %s %s", m.Severity, m.Code, m.Message)
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", m), "*pgproto3.")
}

func showRow(values [][]byte) string {
	cells := make([]string, len(values))
	for i, v := range values {
		switch {
		case v == nil:
			cells[i] = "NULL"
		case strings.ContainsFunc(string(v), func(r rune) bool { return r < ' ' || r == '\uFFFD' }):
			cells[i] = "0x" + hex.EncodeToString(v)
		default:
			cells[i] = string(v)
		}
	}
	return strings.Join(cells, " | ")
}

func showError(m *pgproto3.ErrorResponse) string {
	out := fmt.Sprintf("%s %s %s", m.Severity, m.Code, m.Message)
	if m.Position != 0 {
		out += fmt.Sprintf(" at %d", m.Position)
	}
	if m.Detail != "" {
		out += "; detail: " + m.Detail
	}
	if m.Hint != "" {
		out += "; hint: " + m.Hint
	}
	return out
}

// TestSuspendedPortalsStandStill checks that the statement timeout bounds each
// turn of a portal, not the pauses of the client.
func TestSuspendedPortalsStandStill(t *testing.T) {
	fe := mustDial(t, serve(t, newServer(t, nil))).PgConn().Frontend()
	play(t, fe, "Q BEGIN\nQ SET statement_timeout = 150")
	first := play(t, fe, "P - - SELECT n FROM numbers\nB - -\nE - 1\nS")
	time.Sleep(250 * time.Millisecond)
	second := play(t, fe, "E - 1\nS")
	if !strings.Contains(first, "PortalSuspended") || !strings.Contains(second, "PortalSuspended") {
		t.Errorf("first\n%ssecond\n%s", first, second)
	}
	third := play(t, fe, "P - - SELECT n FROM stuck\nB - -\nE - 1\nS")
	if !strings.Contains(third, "57014") {
		t.Errorf("third\n%s", third)
	}
}
