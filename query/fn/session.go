package fn

import (
	"strings"
	"time"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// ServerVersion is the PostgreSQL version whose behaviour is offered.
const ServerVersion = "15.0"

// VersionText is the answer of version().
const VersionText = "PostgreSQL " + ServerVersion + " (Alluvium)"

// registerSession makes the functions that answer about the session.
func registerSession(r *registry) {
	user := func(c *call, i int) error { return c.putStr(c.ctx.User) }
	for _, name := range []string{"current_user", "session_user", "user", "current_role"} {
		r.row(name+"() name stable", user)
	}
	r.row("version() text stable", func(c *call, i int) error { return c.putStr(VersionText) })
	database := func(c *call, i int) error {
		return c.withSession(func(s Session) error { return c.putStr(s.Database()) })
	}
	r.row("current_database() name session", database)
	r.row("current_catalog() name session", database)
	r.row("current_schema() name session", func(c *call, i int) error {
		return c.withSession(func(s Session) error {
			for _, name := range s.SearchPath() {
				if name != "pg_catalog" && name != `"$user"` {
					return c.putStr(name)
				}
			}
			return c.null()
		})
	})
	r.row("current_schemas(bool) name[] session", currentSchemas)
	registerSettings(r)
	registerBackend(r)
	registerConstants(r)
}

// withSession calls f with the session, which only a broker has.
func (c *call) withSession(f func(Session) error) error {
	if c.ctx == nil || c.ctx.Session == nil {
		return sqlerr.Unsupported("a function of the session here")
	}
	return f(c.ctx.Session)
}

func currentSchemas(c *call, i int) error {
	return c.withSession(func(s Session) error {
		var list []string
		path := s.SearchPath()
		explicit := false
		for _, name := range path {
			explicit = explicit || name == "pg_catalog"
		}
		if c.bool(0, i) && !explicit {
			list = append(list, "pg_catalog")
		}
		for _, name := range path {
			if name != `"$user"` && (c.bool(0, i) || name != "pg_catalog") {
				list = append(list, name)
			}
		}
		return c.putTexts(list)
	})
}

func registerSettings(r *registry) {
	get := func(c *call, i int) error {
		return c.withSession(func(s Session) error {
			v, ok := s.Setting(strings.ToLower(c.str(0, i)))
			switch {
			case ok:
				return c.putStr(v)
			case len(c.args) > 1 && c.bool(1, i):
				return c.null()
			}
			return sqlerr.New(sqlerr.UndefinedObject, "unrecognized configuration parameter %q", c.str(0, i))
		})
	}
	r.row("current_setting(text) text session", get)
	r.row("current_setting(text,bool) text session", get)
	set := r.row("set_config(text,text,bool) text session null", func(c *call, i int) error {
		return c.withSession(func(s Session) error {
			if c.isNull(0, i) {
				return sqlerr.New("22004", "SET requires parameter name")
			}
			name := strings.ToLower(c.str(0, i))
			value := ""
			if !c.isNull(1, i) {
				value = c.str(1, i)
			}
			if err := s.SetSetting(name, value, !c.isNull(2, i) && c.bool(2, i)); err != nil {
				return err
			}
			v, _ := s.Setting(name)
			return c.putStr(v)
		})
	})
	set.Volatility = Volatile
}

func registerBackend(r *registry) {
	r.row("pg_backend_pid() int4 session", func(c *call, i int) error {
		return c.withSession(func(s Session) error { return c.putI32(s.BackendPID()) })
	})
	for _, name := range []string{"pg_cancel_backend", "pg_terminate_backend"} {
		f := r.row(name+"(int4) bool session", func(c *call, i int) error {
			return c.withSession(func(s Session) error { return c.putBool(s.CancelBackend(c.i32(0, i))) })
		})
		f.Volatility = Volatile
	}
	r.row("pg_sleep(float8) void volatile", func(c *call, i int) error {
		t := time.NewTimer(time.Duration(min(c.f64(0, i), 86400) * float64(time.Second)))
		defer t.Stop()
		select {
		case <-t.C:
			return c.putStr("")
		case <-c.ctx.Done():
			return sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to user request: %w", c.ctx.Err())
		}
	})
	for _, name := range []string{"pg_advisory_unlock_all()", "pg_advisory_lock(int8)", "pg_advisory_xact_lock(int8)", "pg_stat_reset()"} {
		r.row(name+" void volatile", func(c *call, i int) error { return c.putStr("") })
	}
	for _, name := range []string{"pg_try_advisory_lock(int8)", "pg_try_advisory_xact_lock(int8)", "pg_advisory_unlock(int8)"} {
		r.row(name+" bool volatile", func(c *call, i int) error { return c.putBool(true) })
	}
}

// registerConstants makes functions that have one answer here.
func registerConstants(r *registry) {
	r.row("pg_is_in_recovery() bool stable", func(c *call, i int) error { return c.putBool(false) })
	r.row("pg_is_wal_replay_paused() bool stable", func(c *call, i int) error { return c.putBool(false) })
	r.row("pg_my_temp_schema() oid stable", func(c *call, i int) error { return c.putI64(0) })
	r.row("pg_is_other_temp_schema(oid) bool stable", func(c *call, i int) error { return c.putBool(false) })
	r.row("getdatabaseencoding() name stable", func(c *call, i int) error { return c.putStr("UTF8") })
	r.row("pg_client_encoding() name stable", func(c *call, i int) error { return c.putStr("UTF8") })
	r.row("pg_encoding_to_char(int4) name stable", func(c *call, i int) error {
		switch c.i32(0, i) {
		case 6:
			return c.putStr("UTF8")
		case 0:
			return c.putStr("SQL_ASCII")
		}
		return c.putStr("")
	})
	r.row("pg_char_to_encoding(name) int4 stable", func(c *call, i int) error {
		switch strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(c.str(0, i))) {
		case "utf8", "unicode":
			return c.putI32(6)
		case "sqlascii":
			return c.putI32(0)
		}
		return c.putI32(-1)
	})
	null := func(c *call, i int) error { return c.null() }
	for _, sig := range []string{"inet_server_addr() text", "inet_client_addr() text", "inet_server_port() int4", "inet_client_port() int4"} {
		r.row(sig+" stable", null)
	}
	r.row("txid_current() int8 stable", func(c *call, i int) error { return c.putI64(1) })
	r.row("pg_conf_load_time() timestamptz stable", func(c *call, i int) error { return c.putI64(c.ctx.NowMicros) })
	r.row("pg_postmaster_start_time() timestamptz stable", func(c *call, i int) error { return c.putI64(c.ctx.NowMicros) })
	r.row("pg_column_size(any) int4 stable", func(c *call, i int) error {
		if n := c.args[0].Type.Size(); n > 0 {
			return c.putI32(int32(n))
		}
		return c.putI32(int32(len(FormatText(nil, c.ctx, c.args[0], i)) + 4))
	})
	r.row("pg_size_pretty(int8) text", func(c *call, i int) error { return c.putStr(sizePretty(c.i64(0, i))) })
	r.row("pg_size_pretty(numeric) text", func(c *call, i int) error {
		n, err := decimalToInt(c.dec(0, i), schema.Int64)
		if err != nil {
			return err
		}
		return c.putStr(sizePretty(n))
	})
}

// sizePretty prints bytes as PostgreSQL does: each unit up to 10 times the next.
func sizePretty(n int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB", "PB"}
	limit := int64(10 * 1024)
	abs := func(x int64) int64 { return max(x, -x) }
	half := false // n is in half units from kB on
	for u, name := range units {
		if abs(n) < limit || u == len(units)-1 {
			if half {
				n = halfRounded(n)
			}
			return itoa(n) + " " + name
		}
		// Keep one bit for rounding.
		if u == 0 {
			n >>= 9
			half = true
		} else {
			n >>= 10
		}
		limit = 20*1024 - 1
	}
	return ""
}

func halfRounded(n int64) int64 {
	if n < 0 {
		return (n - 1) / 2
	}
	return (n + 1) / 2
}
