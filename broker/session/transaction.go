package session

import (
	"time"

	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// txState is the transaction of a session. There are no writes yet, so what a
// transaction protects is the time (now()) and the settings: ROLLBACK undoes
// SET, COMMIT undoes SET LOCAL.
type txState struct {
	open   bool
	failed bool
	start  int64 // µs; 0 outside a block
	// before are the settings at BEGIN, kept are those with SET but without
	// SET LOCAL applied.
	before *settings
	kept   *settings
	saves  []savepoint
}

type savepoint struct {
	name     string
	settings *settings
	kept     *settings
}

// now returns the time of the transaction, or outside one the present.
func (t *txState) now(clock func() time.Time) int64 {
	if t.open && t.start != 0 {
		return t.start
	}
	return clock().UnixMicro()
}

// TxStatus returns the byte of ReadyForQuery: 'I' idle, 'T' in a transaction,
// 'E' in a failed one.
func (s *Session) TxStatus() byte {
	switch {
	case s.tx.failed:
		return 'E'
	case s.tx.open:
		return 'T'
	}
	return 'I'
}

// Fail marks an open transaction block as failed.
func (s *Session) Fail() {
	if s.tx.open {
		s.tx.failed = true
	}
}

// IdleLimit is how long the client may leave the open transaction idle; 0 means
// without limit, or that there is none.
func (s *Session) IdleLimit() time.Duration {
	if !s.tx.open {
		return 0
	}
	return s.settings.duration("idle_in_transaction_session_timeout")
}

// transaction carries out a transaction statement and returns its tag.
func (s *Session) transaction(t *pg.TransactionStmt, r *Result) (tag string, err error) {
	switch t.Kind {
	case pg.TransactionStmtKind_TRANS_STMT_BEGIN, pg.TransactionStmtKind_TRANS_STMT_START:
		return s.begin(t, r)
	case pg.TransactionStmtKind_TRANS_STMT_COMMIT:
		return s.commit(t, r), nil
	case pg.TransactionStmtKind_TRANS_STMT_ROLLBACK:
		return s.rollback(t, r), nil
	case pg.TransactionStmtKind_TRANS_STMT_SAVEPOINT:
		return "SAVEPOINT", s.savepoint(t.SavepointName)
	case pg.TransactionStmtKind_TRANS_STMT_RELEASE:
		return "RELEASE", s.release(t.SavepointName)
	case pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		return "ROLLBACK", s.rollbackTo(t.SavepointName)
	}
	return "", sqlerr.Unsupported("two-phase commit")
}

func (s *Session) begin(t *pg.TransactionStmt, r *Result) (string, error) {
	tag := "BEGIN"
	if t.Kind == pg.TransactionStmtKind_TRANS_STMT_START {
		tag = "START TRANSACTION"
	}
	if s.tx.open {
		r.notice("WARNING", sqlerr.ActiveTransaction, "there is already a transaction in progress")
		return tag, nil
	}
	s.openBlock()
	return tag, s.setTransactionOptions(t.Options)
}

func (s *Session) openBlock() {
	s.tx = txState{open: true, start: s.eng.now().UnixMicro(), before: s.settings.clone(), kept: s.settings.clone()}
	for _, name := range transactionSettings {
		s.settings.values[name], _ = s.settings.get("default_" + name)
	}
}

func (s *Session) commit(t *pg.TransactionStmt, r *Result) string {
	if !s.tx.open {
		r.notice("WARNING", sqlerr.NoActiveTransaction, "there is no transaction in progress")
		return "COMMIT"
	}
	tag, next := "COMMIT", s.tx.kept
	if s.tx.failed {
		tag, next = "ROLLBACK", s.tx.before
	}
	s.endBlock(next, t.Chain)
	return tag
}

func (s *Session) rollback(t *pg.TransactionStmt, r *Result) string {
	if !s.tx.open {
		r.notice("WARNING", sqlerr.NoActiveTransaction, "there is no transaction in progress")
		return "ROLLBACK"
	}
	s.endBlock(s.tx.before, t.Chain)
	return "ROLLBACK"
}

// endBlock restores settings and reports those whose value clients follow.
func (s *Session) endBlock(next *settings, chain bool) {
	s.restore(next)
	s.tx = txState{}
	if chain {
		s.openBlock()
	}
}

func (s *Session) restore(next *settings) {
	for i := range settingList {
		d := &settingList[i]
		if !d.report {
			continue
		}
		before, _ := s.settings.get(d.name)
		if after, _ := next.get(d.name); after != before {
			s.changed[d.name] = true
		}
	}
	s.settings = next
}

func (s *Session) savepoint(name string) error {
	if !s.tx.open {
		return sqlerr.New(sqlerr.NoActiveTransaction, "SAVEPOINT can only be used in transaction blocks")
	}
	s.tx.saves = append(s.tx.saves, savepoint{name, s.settings.clone(), s.tx.kept.clone()})
	return nil
}

func (s *Session) findSavepoint(name string) (int, error) {
	if !s.tx.open {
		return 0, sqlerr.New(sqlerr.NoActiveTransaction, "savepoints can only be used in transaction blocks")
	}
	for i := len(s.tx.saves) - 1; i >= 0; i-- {
		if s.tx.saves[i].name == name {
			return i, nil
		}
	}
	return 0, sqlerr.New(sqlerr.InvalidSavepoint, "savepoint %q does not exist", name)
}

func (s *Session) release(name string) error {
	i, err := s.findSavepoint(name)
	if err != nil {
		return err
	}
	s.tx.saves = s.tx.saves[:i]
	return nil
}

func (s *Session) rollbackTo(name string) error {
	i, err := s.findSavepoint(name)
	if err != nil {
		return err
	}
	sp := s.tx.saves[i]
	s.tx.saves = s.tx.saves[:i+1]
	s.restore(sp.settings.clone())
	s.tx.kept = sp.kept.clone()
	s.tx.failed = false
	return nil
}

// transactionSettings are the settings of the open transaction; each has a
// default_… one beside it.
var transactionSettings = []string{"transaction_isolation", "transaction_read_only"}

// setTransactionOptions applies the options of BEGIN and SET TRANSACTION.
func (s *Session) setTransactionOptions(opts []*pg.Node) error {
	return s.eachTransactionOption(opts, s.set)
}

// eachTransactionOption calls set for ISOLATION LEVEL and READ ONLY;
// DEFERRABLE has nothing to defer.
func (s *Session) eachTransactionOption(opts []*pg.Node, set func(name, value string) error) error {
	for _, o := range opts {
		d := o.GetDefElem()
		if d == nil {
			continue
		}
		c := d.Arg.GetAConst()
		var err error
		switch d.Defname {
		case "transaction_isolation":
			err = set(d.Defname, c.GetSval().GetSval())
		case "transaction_read_only":
			err = set(d.Defname, onOff(c.GetIval().GetIval() != 0))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// inFailedBlock is the error for statements in a failed transaction.
func inFailedBlock() error {
	return sqlerr.New(sqlerr.FailedTransaction,
		"current transaction is aborted, commands ignored until end of transaction block")
}
