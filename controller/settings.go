package controller

import (
	"fmt"
	"time"

	"github.com/alluviumdb/alluvium/controller/state"
)

// The cluster settings that override Config.ReassignGrace, LoadExpiry and
// RetiredKeep.
const (
	settingGrace       = "alluvium.reassign.grace"
	settingLoadExpiry  = "alluvium.load.expiry"
	settingRetiredKeep = "alluvium.load.retired.keep"
)

// settings are the cluster settings that exist, each with its check.
var settings = map[string]func(value string) error{
	settingGrace:       checkDuration,
	settingLoadExpiry:  checkDuration,
	settingRetiredKeep: checkDuration,
}

func checkDuration(v string) error {
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 {
		return fmt.Errorf("must be a duration such as 30s, not %q", v)
	}
	return nil
}

// grace is how long after its lease ended a server's segments stay its own.
func (c *Controller) grace(st *state.State) time.Duration {
	return durationSetting(st, settingGrace, c.cfg.ReassignGrace)
}

// durationSetting returns a cluster setting, def where it is not set.
func durationSetting(st *state.State, name string, def time.Duration) time.Duration {
	if d, err := time.ParseDuration(st.Setting(name)); err == nil {
		return d
	}
	return def
}
