package controller

import (
	"fmt"
	"time"

	"github.com/alluviumdb/alluvium/controller/state"
)

// settingGrace is the cluster setting that overrides Config.ReassignGrace.
const settingGrace = "alluvium.reassign.grace"

// settings are the cluster settings that exist, each with its check.
var settings = map[string]func(value string) error{
	settingGrace: func(v string) error {
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 {
			return fmt.Errorf("must be a duration such as 30s, not %q", v)
		}
		return nil
	},
}

// grace is how long after its lease ended a server's segments stay its own.
func (c *Controller) grace(st *state.State) time.Duration {
	if d, err := time.ParseDuration(st.Setting(settingGrace)); err == nil {
		return d
	}
	return c.cfg.ReassignGrace
}
