package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/alluviumdb/alluvium/internal/demo"
)

// newDemo produces the records of a scenario into a stream of one's own.
func newDemo() *cobra.Command {
	var kafka []string
	var topic, kinesis, region string
	var rate int
	cmd := &cobra.Command{
		Use: "demo", Short: "Produce the events of the web-transactions example into a Kafka topic or Kinesis stream", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			switch {
			case kinesis != "":
				err = demo.ProduceKinesis(cmd.Context(), kinesis, region, topic, rate)
			case len(kafka) > 0:
				err = demo.Produce(cmd.Context(), kafka, topic, rate)
			default:
				return errors.New("one of --kafka and --kinesis-endpoint is needed")
			}
			if cmd.Context().Err() != nil {
				return nil
			}
			return err
		},
	}
	cmd.Flags().StringSliceVar(&kafka, "kafka", nil, "addresses of Kafka brokers")
	cmd.Flags().StringVar(&kinesis, "kinesis-endpoint", "", "Kinesis endpoint")
	cmd.Flags().StringVar(&region, "region", "us-east-1", "Kinesis region")
	cmd.Flags().StringVar(&topic, "topic", "pinot-stream", "topic or stream")
	cmd.Flags().IntVar(&rate, "rate", 3000, "events per second")
	return cmd
}
