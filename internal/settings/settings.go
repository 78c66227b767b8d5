// Package settings makes flags, environment variables and a config file say
// the same things: every flag --name can also be given as ALLUVIUM_NAME and as
// the key name of a YAML file. A flag wins over the environment, which wins
// over the file, which wins over the default.
package settings

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// Prefix begins the names of environment variables.
const Prefix = "ALLUVIUM_"

// EnvName returns the environment variable of a flag.
func EnvName(flag string) string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Apply fills the flags that were not given on the command line from the
// environment and from the YAML file at path ("" means no file). Unknown keys
// in the file are errors; all faults are reported at once.
func Apply(flags *pflag.FlagSet, path string) error {
	fromFile, err := readFile(path)
	if err != nil {
		return err
	}
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		value, ok := os.LookupEnv(EnvName(f.Name))
		source := EnvName(f.Name)
		if !ok {
			value, ok = fromFile[f.Name]
			source = path + ": " + f.Name
		}
		delete(fromFile, f.Name)
		if !ok || f.Changed {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", source, err))
		}
	})
	for _, key := range sortedKeys(fromFile) {
		errs = append(errs, fmt.Errorf("%s: unknown setting %q", path, key))
	}
	return errors.Join(errs...)
}

// readFile returns the settings of a YAML file as text; lists become
// comma-separated.
func readFile(path string) (map[string]string, error) {
	if path == "" {
		return map[string]string{}, nil
	}
	k := koanf.New("\x00") // no nesting: keys are flag names
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		return nil, fmt.Errorf("config file %s: %w", path, err)
	}
	out := map[string]string{}
	for key, v := range k.All() {
		switch x := v.(type) {
		case []any:
			parts := make([]string, len(x))
			for i := range x {
				parts[i] = fmt.Sprint(x[i])
			}
			out[key] = strings.Join(parts, ",")
		case map[string]any:
			return nil, fmt.Errorf("config file %s: setting %q must not be a map", path, key)
		default:
			out[key] = fmt.Sprint(x)
		}
	}
	return out, nil
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// Dump returns the settings in force, with the values of secret flags hidden.
func Dump(flags *pflag.FlagSet, secret ...string) map[string]string {
	out := map[string]string{}
	flags.VisitAll(func(f *pflag.Flag) {
		v := f.Value.String()
		for _, s := range secret {
			if f.Name == s && v != "" {
				v = "(set)"
			}
		}
		out[f.Name] = v
	})
	return out
}
