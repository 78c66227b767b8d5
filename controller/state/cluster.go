package state

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api/pb"
)

// bootstrap names the cluster. A second one changes nothing, so that several
// controllers may try.
func (t *tx) bootstrap(c *pb.Bootstrap) (proto.Message, error) {
	if t.ClusterID != "" {
		return nil, nil
	}
	if c.ClusterId == "" {
		return nil, invalid("the cluster id is empty")
	}
	t.ClusterID = c.ClusterId
	if c.Admin != nil {
		t.setUser(clone(c.Admin))
	}
	return nil, nil
}

// putInstance registers an instance or changes what is known of it.
func (t *tx) putInstance(c *pb.PutInstance) (proto.Message, error) {
	in := c.Instance
	if in.GetId() == "" || in.Role == pb.Role_ROLE_UNSPECIFIED {
		return nil, invalid("the instance has no id or no role")
	}
	old := t.Instance(in.Id)
	next := clone(in)
	if old != nil {
		if old.Role != in.Role {
			return nil, conflict("instance %q is already registered as another role", in.Id)
		}
		next.JoinedMicros = old.JoinedMicros
	} else if next.JoinedMicros == 0 {
		next.JoinedMicros = t.cmd.TimeMicros
	}
	if old == nil || !proto.Equal(old, next) {
		t.setInstance(next)
	}
	return nil, nil
}

// removeInstance forgets an instance that holds nothing.
func (t *tx) removeInstance(c *pb.RemoveInstance) (proto.Message, error) {
	in := t.Instance(c.Id)
	if in == nil {
		return nil, notFound("no instance %q", c.Id)
	}
	if held := t.HeldBy(c.Id); len(held) > 0 {
		return nil, conflict("instance %s holds %d segments, which would be lost or unserved: %s", c.Id, len(held), firstNames(held))
	}
	t.instances.delete(c.Id)
	t.changed(&pb.Change{Deleted: true, Entity: &pb.Change_Instance{Instance: in}})
	return nil, nil
}

// HeldBy returns the names of the segments placed on an instance.
func (s *State) HeldBy(instance string) []string {
	var out []string
	for seg := range s.Segments() {
		if slices.Contains(seg.Replicas, instance) {
			out = append(out, seg.Name)
		}
	}
	return out
}

// firstNames joins the first few names.
func firstNames(names []string) string {
	const show = 5
	if len(names) > show {
		return strings.Join(names[:show], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

func (t *tx) putUser(c *pb.PutUser) (proto.Message, error) {
	name := c.User.GetName()
	old := t.User(name)
	switch {
	case name == "":
		return nil, invalid("the user has no name")
	case c.Deleted && old == nil:
		return nil, notFound("no user %q", name)
	case c.Deleted:
		t.users.delete(name)
		t.changed(&pb.Change{Deleted: true, Entity: &pb.Change_User{User: old}})
	default:
		t.setUser(clone(c.User))
	}
	return nil, nil
}

func (t *tx) putSetting(c *pb.PutSetting) (proto.Message, error) {
	if c.Key == "" {
		return nil, invalid("the setting has no name")
	}
	if c.Deleted {
		t.settings.delete(c.Key)
	} else {
		t.settings.set(c.Key, c.Value)
	}
	return nil, nil
}
