package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
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
	"result_cache":    "result_cache",
	"usestartree":     "star_tree",
	"star_tree":       "star_tree",
}

// optionIgnored are Pinot's options that cannot change an answer here: they
// tune Pinot's own engine, or ask for what is always so. Their use is named in
// the response's warnings.
var optionIgnored = map[string]bool{
	"usemultistageengine": true, "enablenullhandling": true, "skipindexes": true, "skipupsert": true,
	"maxexecutionthreads": true, "numgroupslimit": true, "minsegmentgrouptrimsize": true,
	"minservergrouptrimsize": true, "trace": true,
	"responseformat": true, "sqlquerymode": true, "groupbymode": true, "preservetype": true,
}

// optionClientID names the option whose value the response repeats.
const optionClientID = "clientqueryid"

// applied is what options led to.
type applied struct {
	clientID *string
	// warnings name options without effect.
	warnings []string
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
	var obj map[string]json.RawMessage
	if err := json.Unmarshal(raw, &obj); err != nil {
		return nil, &optionError{"queryOptions is neither text nor an object"}
	}
	out := make(map[string]string, len(obj))
	for k, v := range obj {
		value, err := scalarText(v)
		if err != nil {
			return nil, &optionError{fmt.Sprintf("query option %q is neither text, number nor Boolean", k)}
		}
		out[k] = value
	}
	return out, nil
}

// scalarText returns a JSON scalar as it would be written in "k=v".
func scalarText(v json.RawMessage) (string, error) {
	switch v[0] {
	case '"':
		var s string
		err := json.Unmarshal(v, &s)
		return s, err
	case '{', '[', 'n':
		return "", errors.ErrUnsupported
	}
	return string(v), nil
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

// apply turns options into settings of the session.
func (a *applied) apply(s *session.Session, opts map[string]string) error {
	for _, k := range slices.Sorted(maps.Keys(opts)) {
		low := strings.ToLower(k)
		switch name, ok := optionSettings[low]; {
		case ok:
			if err := s.SetSetting(name, opts[k]); err != nil {
				return err
			}
		case low == optionClientID:
			id := opts[k]
			a.clientID = &id
		case optionIgnored[low]:
			a.warn("query option %s has no effect", k)
		default:
			return &optionError{fmt.Sprintf("query option %q is not supported", k)}
		}
	}
	return nil
}

func (a *applied) warn(format string, args ...any) {
	a.warnings = append(a.warnings, fmt.Sprintf(format, args...))
}
