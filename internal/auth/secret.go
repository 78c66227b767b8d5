package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

const (
	authHeader   = "authorization"
	bearerPrefix = "Bearer "
)

// clusterToken sends the cluster secret with every call.
type clusterToken string

var _ credentials.PerRPCCredentials = clusterToken("")

// ClusterToken returns call credentials that prove the cluster secret, for
// grpc.WithPerRPCCredentials. An empty secret sends nothing.
func ClusterToken(secret string) credentials.PerRPCCredentials { return clusterToken(secret) }

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (t clusterToken) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	if t == "" {
		return nil, nil
	}
	return map[string]string{authHeader: bearerPrefix + string(t)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials. The
// secret may travel without TLS inside a private network; that is the
// operator's choice.
func (t clusterToken) RequireTransportSecurity() bool { return false }

// ServerOptions returns interceptors that refuse calls without the cluster
// secret. Without a secret only calls over loopback (or in process) pass.
func ServerOptions(secret string) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
			if err := checkCall(ctx, secret); err != nil {
				return nil, err
			}
			return h(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, h grpc.StreamHandler) error {
			if err := checkCall(ss.Context(), secret); err != nil {
				return err
			}
			return h(srv, ss)
		}),
	}
}

func checkCall(ctx context.Context, secret string) error {
	if secret == "" {
		return checkLoopbackPeer(ctx)
	}
	md, _ := metadata.FromIncomingContext(ctx)
	for _, v := range md.Get(authHeader) {
		if token, ok := strings.CutPrefix(v, bearerPrefix); ok && SecretEqual(token, secret) {
			return nil
		}
	}
	return status.Error(codes.Unauthenticated, "the cluster secret is missing or wrong")
}

func checkLoopbackPeer(ctx context.Context) error {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return status.Error(codes.Unauthenticated, "the caller's address is unknown")
	}
	if tcp, isTCP := p.Addr.(*net.TCPAddr); isTCP && !tcp.IP.IsLoopback() {
		return status.Error(codes.Unauthenticated, "without a cluster secret only loopback connections are accepted")
	}
	return nil
}

// SecretEqual compares two secrets in a time that does not depend on where
// they differ.
func SecretEqual(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
