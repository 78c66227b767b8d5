// Command alluvium is every role and tool of the datastore in one binary.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // zones work where the system has no database of them

	"github.com/spf13/cobra"

	"github.com/alluviumdb/alluvium/internal/obs"
	"github.com/alluviumdb/alluvium/internal/settings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cmd := newRoot()
	if err := cmd.ExecuteContext(ctx); err != nil {
		var quiet *exitError
		if errors.As(err, &quiet) {
			os.Exit(quiet.code)
		}
		fmt.Fprintln(os.Stderr, "alluvium:", err)
		os.Exit(1)
	}
}

// exitError ends the process with a code after the command said why itself.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "alluvium",
		Short:         "A real-time OLAP datastore: streams in, SQL out",
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			path, _ := cmd.Flags().GetString("config")
			if path == "" {
				path = os.Getenv(settings.EnvName("config"))
			}
			return settings.Apply(cmd.Flags(), path)
		},
	}
	root.PersistentFlags().String("config", "", "YAML file with the same settings as the flags")
	root.AddCommand(
		newStandalone(), newController(), newBroker(), newServer(),
		newIngest(), newTable(), newSchema(), newSegment(), newBench(), newDemo(), newVersion(),
	)
	return root
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintln(cmd.OutOrStdout(), "alluvium", obs.BuildVersion())
		},
	}
}
