package httpapi

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/alluviumdb/alluvium/broker/session"
)

// optionError is a query option that is refused.
type optionError struct{ text string }

func (e *optionError) Error() string { return e.text }

// optionSettings maps Pinot's query options, in lower case, to settings here.
var optionSettings = map[string]string{
	"timeoutms":       "statement_timeout",
	"allowpartial":    "allow_partial",
	"applicationname": "application_name",
	"timezone":        "timezone",
	"dialect":         "dialect",
	"memory_limit":    "memory_limit",
	"float_sum":       "float_sum",
}

// optionIgnored are Pinot's options that cannot change an answer here: they
// tune Pinot's own engine, or ask for what is always so. Their use is named in
// the response's warnings.
var optionIgnored = map[string]bool{
	"usemultistageengine": true, "enablenullhandling": true, "skipindexes": true, "skipupsert": true,
	"maxexecutionthreads": true, "numgroupslimit": true, "minsegmentgrouptrimsize": true,
	"minservergrouptrimsize": true, "usestartree": true, "trace": true,
	"responseformat": true, "sqlquerymode": true, "groupbymode": true, "preservetype": true,
	"clientrequestid": true, "clientqueryid": true,
}

// parseOptions reads queryOptions: "k=v;k=v" or a JSON object.
func parseOptions(raw json.RawMessage) (map[string]string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err == nil {
		return splitOptions(text)
	}
	var obj map[string]any
	if err := json.Unmarshal(raw, &obj); err != nil {
		return nil, &optionError{"queryOptions is neither text nor an object"}
	}
	out := make(map[string]string, len(obj))
	for k, v := range obj {
		out[k] = fmt.Sprint(v)
	}
	return out, nil
}

func splitOptions(text string) (map[string]string, error) {
	out := map[string]string{}
	for _, part := range strings.Split(text, ";") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		k, v, ok := strings.Cut(part, "=")
		if !ok {
			return nil, &optionError{fmt.Sprintf("query option %q has no value", part)}
		}
		out[strings.TrimSpace(k)] = strings.TrimSpace(v)
	}
	return out, nil
}

// applyOptions turns options into settings of the session and returns warnings
// for those without effect.
func applyOptions(s *session.Session, opts map[string]string) (warnings []string, err error) {
	keys := make([]string, 0, len(opts))
	for k := range opts {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		low := strings.ToLower(k)
		if name, ok := optionSettings[low]; ok {
			if err := s.SetSetting(name, opts[k]); err != nil {
				return nil, err
			}
			continue
		}
		if !optionIgnored[low] {
			return nil, &optionError{fmt.Sprintf("query option %q is not supported", k)}
		}
		warnings = append(warnings, fmt.Sprintf("query option %s has no effect", k))
	}
	return warnings, nil
}
