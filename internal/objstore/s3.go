package objstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// s3Store keeps objects in a bucket below a prefix.
type s3Store struct {
	client         *s3.Client
	transport      *http.Client
	bucket, prefix string
}

// maxObjectBytes is the most that one PutObject takes; segments are far smaller.
const maxObjectBytes = 5 << 30

// attempts is how often the SDK tries a call, with growing pauses. It is few,
// as callers try again themselves and say meanwhile that the store is away.
const attempts = 3

func openS3(ctx context.Context, bucket, prefix string, o Options) (*s3Store, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion("us-east-1"), config.WithRetryMaxAttempts(attempts))
	if err != nil {
		return nil, fmt.Errorf("deep store: AWS configuration: %w", err)
	}
	if o.Region != "" {
		cfg.Region = o.Region
	}
	transport := closable(cfg.HTTPClient)
	client := s3.NewFromConfig(cfg, func(opt *s3.Options) {
		opt.HTTPClient = transport
		// An answer without a checksum is no news: what is stored has its own.
		opt.DisableLogOutputChecksumValidationSkipped = true
		if o.S3Endpoint != "" {
			opt.BaseEndpoint = aws.String(o.S3Endpoint)
			opt.UsePathStyle = true
		}
	})
	return &s3Store{client: client, transport: transport, bucket: bucket, prefix: prefix}, nil
}

// closable returns a client with the settings of the SDK's own (which carries
// AWS_CA_BUNDLE) whose connections can be closed.
func closable(loaded aws.HTTPClient) *http.Client {
	b, ok := loaded.(*awshttp.BuildableClient)
	if !ok {
		b = awshttp.NewBuildableClient()
	}
	return &http.Client{
		Transport:     b.GetTransport(),
		Timeout:       b.GetTimeout(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (s *s3Store) full(key string) (*string, error) {
	if err := cleanKey(key); err != nil {
		return nil, err
	}
	return aws.String(path.Join(s.prefix, key)), nil
}

func (s *s3Store) Put(ctx context.Context, key string, r io.ReadSeeker, size int64) error {
	return s.put(ctx, key, r, size, nil)
}

func (s *s3Store) PutIfAbsent(ctx context.Context, key string, r io.ReadSeeker, size int64) error {
	return s.put(ctx, key, r, size, aws.String("*"))
}

func (s *s3Store) put(ctx context.Context, key string, r io.ReadSeeker, size int64, ifNoneMatch *string) error {
	name, err := s.full(key)
	if err != nil {
		return err
	}
	if err := checkSize(r, size); err != nil {
		return err
	}
	if size > maxObjectBytes {
		return fmt.Errorf("object %s has %d bytes, S3 takes at most %d at once", key, size, int64(maxObjectBytes))
	}
	_, err = s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.bucket, Key: name, Body: r, ContentLength: &size, IfNoneMatch: ifNoneMatch})
	return s.translate(key, err)
}

func checkSize(r io.Seeker, size int64) error {
	end, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if end != size {
		return fmt.Errorf("%w: %d bytes, announced %d", ErrSize, end, size)
	}
	_, err = r.Seek(0, io.SeekStart)
	return err
}

// translate maps S3's errors to those of this package.
func (s *s3Store) translate(key string, err error) error {
	if err == nil {
		return nil
	}
	var noKey *types.NoSuchKey
	var noHead *types.NotFound
	if errors.As(err, &noKey) || errors.As(err, &noHead) {
		return fmt.Errorf("%w: %s", ErrNotFound, s.URI(key))
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "PreconditionFailed", "ConditionalRequestConflict":
			return fmt.Errorf("%w: %s", ErrExists, s.URI(key))
		case "NoSuchKey", "NotFound":
			return fmt.Errorf("%w: %s", ErrNotFound, s.URI(key))
		case "InvalidRange":
			return fmt.Errorf("%w: %s", ErrRange, s.URI(key))
		}
	}
	if refused(err) {
		return fmt.Errorf("deep store: %s: %w: %w", s.URI(key), ErrRefused, err)
	}
	return fmt.Errorf("deep store: %s: %w", s.URI(key), err)
}

// refused tells answers that do not change by waiting: 4xx but for timeouts,
// throttling, and clocks or tokens that are put right.
func refused(err error) bool {
	var resp *awshttp.ResponseError
	if !errors.As(err, &resp) {
		return false
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "RequestTimeout", "SlowDown", "Throttling", "ThrottlingException", "RequestTimeTooSkewed", "ExpiredToken":
			return false
		}
	}
	status := resp.HTTPStatusCode()
	return status >= 400 && status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests
}

func (s *s3Store) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	name, err := s.full(key)
	if err != nil {
		return nil, err
	}
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: name})
	if err != nil {
		return nil, s.translate(key, err)
	}
	return out.Body, nil
}

func (s *s3Store) GetRange(ctx context.Context, key string, off int64, p []byte) error {
	if len(p) == 0 {
		return nil
	}
	name, err := s.full(key)
	if err != nil {
		return err
	}
	rng := fmt.Sprintf("bytes=%d-%d", off, off+int64(len(p))-1)
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: name, Range: &rng}, wholeObjectsOnly)
	if err != nil {
		return s.translate(key, err)
	}
	defer out.Body.Close()
	n, err := io.ReadFull(out.Body, p)
	if errors.Is(err, io.ErrUnexpectedEOF) && int64(n) == aws.ToInt64(out.ContentLength) {
		return fmt.Errorf("%w: %s from %d", ErrRange, key, off)
	}
	return err
}

// wholeObjectsOnly skips the check of a checksum, which is that of the object,
// not of the range.
func wholeObjectsOnly(o *s3.Options) {
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
}

func (s *s3Store) Head(ctx context.Context, key string) (Info, error) {
	name, err := s.full(key)
	if err != nil {
		return Info{}, err
	}
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: name})
	if err != nil {
		return Info{}, s.translate(key, err)
	}
	return Info{
		Key: key, Bytes: aws.ToInt64(out.ContentLength),
		Version: aws.ToString(out.ETag), Modified: aws.ToTime(out.LastModified),
	}, nil
}

func (s *s3Store) List(ctx context.Context, prefix string, each func(Info) error) error {
	base := ""
	if s.prefix != "" {
		base = s.prefix + "/"
	}
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: aws.String(base + prefix)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return s.translate(prefix, err)
		}
		for _, o := range page.Contents {
			info := Info{
				Key: strings.TrimPrefix(aws.ToString(o.Key), base), Bytes: aws.ToInt64(o.Size),
				Version: aws.ToString(o.ETag), Modified: aws.ToTime(o.LastModified),
			}
			if err := each(info); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *s3Store) Delete(ctx context.Context, key string) error {
	name, err := s.full(key)
	if err != nil {
		return err
	}
	_, err = s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: name})
	return s.translate(key, err)
}

func (s *s3Store) base() string {
	if s.prefix == "" {
		return "s3://" + s.bucket
	}
	return "s3://" + s.bucket + "/" + s.prefix
}

func (s *s3Store) URI(key string) string { return s.base() + "/" + key }

func (s *s3Store) Key(uri string) (string, error) { return keyOf(s.base(), uri) }

// Close ends the connections that are not in use.
func (s *s3Store) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}
