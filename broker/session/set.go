package session

import (
	"strconv"
	"strings"

	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/plan"
)

var textType = schema.Text

// variableSet carries out SET and RESET.
func (s *Session) variableSet(v *pg.VariableSetStmt, r *Result) (string, error) {
	switch v.Kind {
	case pg.VariableSetKind_VAR_RESET_ALL:
		s.resetAll()
		return "RESET", nil
	case pg.VariableSetKind_VAR_RESET:
		return "RESET", s.resetSetting(v.Name)
	case pg.VariableSetKind_VAR_SET_DEFAULT:
		if strings.EqualFold(v.Name, "session_authorization") {
			return "SET", nil
		}
		return "SET", s.resetSetting(v.Name)
	case pg.VariableSetKind_VAR_SET_MULTI:
		return "SET", s.setMulti(v, r)
	case pg.VariableSetKind_VAR_SET_VALUE:
		value, err := settingValue(v.Args)
		if err != nil {
			return "", err
		}
		if v.IsLocal && !s.tx.open {
			r.notice("WARNING", sqlerr.NoActiveTransaction, "SET LOCAL can only be used in transaction blocks")
			return "SET", nil
		}
		return "SET", s.setFrom(v.Name, value, v.IsLocal)
	}
	return "", sqlerr.Unsupported("SET … FROM CURRENT")
}

// setFrom sets a value; a local one ends with the transaction.
func (s *Session) setFrom(name, value string, local bool) error {
	if local && !s.tx.open {
		return nil
	}
	if err := s.set(name, value); err != nil {
		return err
	}
	if s.tx.open && !local {
		return s.tx.kept.set(name, value, "session")
	}
	return nil
}

func (s *Session) resetSetting(name string) error {
	if err := s.settings.reset(name); err != nil {
		return err
	}
	if s.tx.open {
		s.tx.kept.reset(name)
	}
	s.noteChange(name)
	return nil
}

// resetAll returns all settings to their values at login.
func (s *Session) resetAll() {
	next := newSettings()
	next.base = s.settings.base
	if s.tx.open {
		s.tx.kept = next.clone()
		for _, name := range transactionSettings {
			next.values[name], _ = s.settings.get(name)
		}
	}
	s.restore(next)
}

// setMulti carries out SET TRANSACTION and SET SESSION CHARACTERISTICS.
func (s *Session) setMulti(v *pg.VariableSetStmt, r *Result) error {
	switch v.Name {
	case "TRANSACTION":
		if !s.tx.open {
			r.notice("WARNING", sqlerr.NoActiveTransaction, "SET TRANSACTION can only be used in transaction blocks")
			return nil
		}
		return s.setTransactionOptions(v.Args)
	case "SESSION CHARACTERISTICS":
		return s.eachTransactionOption(v.Args, func(name, value string) error { return s.setFrom("default_"+name, value, false) })
	}
	return sqlerr.Unsupported("SET " + v.Name)
}

// settingValue joins the arguments of SET as PostgreSQL does.
func settingValue(args []*pg.Node) (string, error) {
	var parts []string
	for _, a := range args {
		v, err := settingArg(a)
		if err != nil {
			return "", err
		}
		parts = append(parts, v)
	}
	return strings.Join(parts, ", "), nil
}

func settingArg(n *pg.Node) (string, error) {
	if tc := n.GetTypeCast(); tc != nil { // SET TIME ZONE INTERVAL '…'
		return "", sqlerr.Unsupported("SET TIME ZONE INTERVAL")
	}
	c := n.GetAConst()
	switch v := c.GetVal().(type) {
	case *pg.A_Const_Sval:
		return v.Sval.Sval, nil
	case *pg.A_Const_Ival:
		return strconv.Itoa(int(v.Ival.Ival)), nil
	case *pg.A_Const_Fval:
		return v.Fval.Fval, nil
	case *pg.A_Const_Boolval:
		return onOff(v.Boolval.Boolval), nil
	}
	return "", sqlerr.New(sqlerr.SyntaxError, "SET needs constants")
}

// showColumns describes the result of SHOW name.
func (s *Session) showColumns(name string) ([]plan.OutCol, error) {
	if strings.EqualFold(name, "all") {
		return []plan.OutCol{textColumn("name"), textColumn("setting"), textColumn("description"),
			textColumn("default"), textColumn("source")}, nil
	}
	if d := settingByName[canonicalSetting(name)]; d != nil {
		return []plan.OutCol{textColumn(d.name)}, nil
	}
	if _, ok := s.settings.get(name); ok {
		return []plan.OutCol{textColumn(name)}, nil
	}
	return nil, unknownSetting(name)
}

// show carries out SHOW.
func (s *Session) show(r *Result, name string) error {
	r.tag = "SHOW"
	if strings.EqualFold(name, "all") {
		r.batches = []*column.Batch{s.allSettings()}
		return nil
	}
	v, ok := s.settings.get(name)
	if !ok {
		return unknownSetting(name)
	}
	r.batches = []*column.Batch{textRows([][]string{{v}}, 1)}
	return nil
}

func (s *Session) allSettings() *column.Batch {
	var rows [][]string
	for _, st := range s.Settings() {
		rows = append(rows, []string{st.Name, st.Value, st.Doc, st.Default, st.Source})
	}
	return textRows(rows, 5)
}

// SettingInfo is a setting as SHOW ALL and pg_settings list it.
type SettingInfo struct {
	Name, Value, Default, Source, Doc string
	// Type is bool, integer, string or enum; Context is user for what a session
	// may change, internal for what it may not.
	Type, Context string
	Enum          []string
}

// Settings lists all settings with their values.
func (s *Session) Settings() []SettingInfo {
	out := make([]SettingInfo, 0, len(settingList))
	for i := range settingList {
		d := &settingList[i]
		v, _ := s.settings.get(d.name)
		src := "default"
		if x, ok := s.settings.source[strings.ToLower(d.name)]; ok {
			src = x
		}
		info := SettingInfo{Name: d.name, Value: v, Default: d.def, Source: src, Doc: d.doc, Type: d.kind.String(), Context: "user", Enum: d.enum}
		if d.readOnly {
			info.Context = "internal"
		}
		out = append(out, info)
	}
	return out
}

// DefaultSettings lists all settings with their defaults.
func DefaultSettings() []SettingInfo {
	s := &Session{settings: newSettings()}
	return s.Settings()
}

// textRows makes a batch of text columns.
func textRows(rows [][]string, cols int) *column.Batch {
	b := &column.Batch{N: len(rows)}
	for range cols {
		b.Cols = append(b.Cols, column.New(textType, len(rows)))
	}
	for _, row := range rows {
		for i, v := range row {
			b.Cols[i].AppendString(v)
		}
	}
	return b
}

// SetSetting changes a setting of the session, as SET does.
func (s *Session) SetSetting(name, value string) error { return s.setFrom(name, value, false) }
