package assign

import (
	"strings"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// suffixes mark what a tag is for, in Pinot's form.
var suffixes = []string{"_BROKER", "_REALTIME", "_OFFLINE"}

// TenantOf returns the tenant that a tag names.
func TenantOf(tag string) string {
	for _, s := range suffixes {
		if t, ok := strings.CutSuffix(tag, s); ok && t != "" {
			return t
		}
	}
	return tag
}

// Tenants returns the tenants of an instance, the default one if it has no tag.
func Tenants(in *pb.Instance) []string {
	if len(in.Tags) == 0 {
		return []string{schema.DefaultTenant}
	}
	var out []string
	seen := map[string]bool{}
	for _, tag := range in.Tags {
		if t := TenantOf(tag); !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	return out
}
