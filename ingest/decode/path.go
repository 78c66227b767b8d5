package decode

import (
	"fmt"
	"strings"
)

// parsePath splits a JSON path into keys: "a.b", "$.a.b", "$['a b'].c"; "$"
// alone is the record itself and has no keys. Array positions and wildcards
// are not supported.
func parsePath(path string) ([]string, error) {
	rest := path
	switch {
	case rest == "$":
		return nil, nil
	case strings.HasPrefix(rest, "$.") || strings.HasPrefix(rest, "$["):
		rest = strings.TrimPrefix(rest[1:], ".")
	}
	var keys []string
	for {
		key, tail, err := cutKey(rest)
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", path, err)
		}
		keys = append(keys, key)
		if tail == "" {
			return keys, nil
		}
		rest = strings.TrimPrefix(tail, ".")
	}
}

// cutKey splits the first key off a path.
func cutKey(path string) (key, rest string, err error) {
	if strings.HasPrefix(path, "[") {
		if len(path) < 2 || path[1] != '\'' && path[1] != '"' {
			return "", "", fmt.Errorf("array positions and wildcards are not supported")
		}
		quote := path[1:2]
		key, rest, ok := strings.Cut(path[2:], quote+"]")
		if !ok {
			return "", "", fmt.Errorf("[%s without %s]", quote, quote)
		}
		return key, rest, nil
	}
	n := strings.IndexAny(path, ".[")
	if n < 0 {
		n = len(path)
	}
	switch key, rest = path[:n], path[n:]; {
	case key == "":
		return "", "", fmt.Errorf("empty key")
	case key == "*":
		return "", "", fmt.Errorf("array positions and wildcards are not supported")
	case rest == ".":
		return "", "", fmt.Errorf("empty key")
	}
	return key, rest, nil
}
