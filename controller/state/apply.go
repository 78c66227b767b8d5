package state

import (
	"errors"
	"net/http"

	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
)

// CommandVersion is the version of the commands that this program proposes and
// understands.
const CommandVersion = 1

// maxAnswers bounds the answers that are kept for repeated commands.
const maxAnswers = 1024

// Result is what applying a command gave.
type Result struct {
	Index uint64
	// Code is 0 for success, otherwise HTTP-like; then Error says why and the
	// state has not changed.
	Code  uint32
	Error string
	// Answer is the encoded message of the answer, may be empty.
	Answer []byte
	// Changes are the entities that the command changed, for watchers.
	Changes []*pb.Change
}

// Err returns the refusal as an error, nil for success.
func (r *Result) Err() error {
	if r.Code == 0 {
		return nil
	}
	return &api.Error{Code: int(r.Code), Message: r.Error}
}

// Apply returns the state after a command at a log index, and the answer. It
// never changes s. A refused command changes nothing but the index.
func (s *State) Apply(index uint64, cmd *pb.Command) (*State, *Result) {
	if cmd.Key != "" {
		if a, ok := s.answers.get(cmd.Key); ok {
			next := *s
			next.Index = index
			return &next, &Result{Index: a.Index, Code: a.Code, Error: a.Error, Answer: a.Result}
		}
	}
	tx := newTx(s, index, cmd)
	res := &Result{Index: index}
	answer, err := tx.run(cmd)
	if err == nil && answer != nil {
		res.Answer, err = proto.MarshalOptions{Deterministic: true}.Marshal(answer)
	}
	if err != nil {
		tx = newTx(s, index, cmd) // drop what was done before the refusal
		res.Code, res.Error = refusal(err)
	}
	res.Changes = tx.changes
	tx.remember(cmd.Key, res)
	return &tx.State, res
}

func refusal(err error) (uint32, string) {
	var e *api.Error
	if errors.As(err, &e) {
		return uint32(e.Code), e.Message
	}
	return http.StatusInternalServerError, err.Error()
}

// tx is one command at work: a copy of the state that it may change, and the
// list of what it changed.
type tx struct {
	State
	cmd     *pb.Command
	changes []*pb.Change
}

func newTx(s *State, index uint64, cmd *pb.Command) *tx {
	t := &tx{State: *s, cmd: cmd}
	t.Index = index
	return t
}

func (t *tx) run(cmd *pb.Command) (proto.Message, error) {
	if cmd.Version > CommandVersion {
		return nil, api.Errorf(http.StatusUnprocessableEntity, "the command is of version %d, this controller knows %d", cmd.Version, CommandVersion)
	}
	switch b := cmd.Body.(type) {
	case *pb.Command_Bootstrap:
		return t.bootstrap(b.Bootstrap)
	case *pb.Command_PutInstance:
		return t.putInstance(b.PutInstance)
	case *pb.Command_RemoveInstance:
		return t.removeInstance(b.RemoveInstance)
	case *pb.Command_PutSchema:
		return t.putSchema(b.PutSchema)
	case *pb.Command_DeleteSchema:
		return t.deleteSchema(b.DeleteSchema)
	case *pb.Command_CreateTable:
		return t.createTable(b.CreateTable)
	case *pb.Command_UpdateTable:
		return t.updateTable(b.UpdateTable)
	case *pb.Command_DeleteTable:
		return t.deleteTable(b.DeleteTable)
	case *pb.Command_ProposePartitions:
		return t.proposePartitions(b.ProposePartitions)
	case *pb.Command_EndSegment:
		return t.endSegment(b.EndSegment)
	case *pb.Command_PublishSegment:
		return t.publishSegment(b.PublishSegment)
	case *pb.Command_DurableSegment:
		return t.durableSegment(b.DurableSegment)
	case *pb.Command_AssignSegments:
		return t.assignSegments(b.AssignSegments)
	case *pb.Command_DeleteSegments:
		return t.deleteSegments(b.DeleteSegments)
	case *pb.Command_PurgeSegments:
		return t.purgeSegments(b.PurgeSegments)
	case *pb.Command_PutUser:
		return t.putUser(b.PutUser)
	case *pb.Command_PutSetting:
		return t.putSetting(b.PutSetting)
	}
	return t.runLoad(cmd)
}

// runLoad runs the commands about loads.
func (t *tx) runLoad(cmd *pb.Command) (proto.Message, error) {
	switch b := cmd.Body.(type) {
	case *pb.Command_BeginLoad:
		return t.beginLoad(b.BeginLoad)
	case *pb.Command_StageSegment:
		return t.stageSegment(b.StageSegment)
	case *pb.Command_CommitLoad:
		return t.commitLoad(b.CommitLoad)
	case *pb.Command_AbortLoad:
		return t.abortLoad(b.AbortLoad)
	case *pb.Command_TidyLoads:
		return t.tidyLoads(b.TidyLoads)
	}
	return nil, api.Errorf(http.StatusUnprocessableEntity, "the command has no body that this controller knows")
}

// remember keeps the answer of a command with a key and forgets the oldest.
func (t *tx) remember(key string, res *Result) {
	if key == "" {
		return
	}
	t.answers.set(key, &pb.Answer{Key: key, Index: res.Index, Code: res.Code, Error: res.Error, Result: res.Answer})
	t.answerOrder.set(indexKey(res.Index), key)
	for t.answers.len() > maxAnswers {
		for at, old := range t.answerOrder.all("") {
			t.answerOrder.delete(at)
			t.answers.delete(old)
			break
		}
	}
}

func (t *tx) changed(c *pb.Change) { t.changes = append(t.changes, c) }

func (t *tx) setTable(v *pb.Table) {
	t.tables.set(tableKey(v.Id), v)
	t.changed(&pb.Change{Entity: &pb.Change_Table{Table: v}})
}

func (t *tx) setSegment(v *pb.Segment) {
	t.segments.set(v.Name, v)
	t.sequence.set(segmentKey(v), v)
	t.changed(&pb.Change{Entity: &pb.Change_Segment{Segment: v}})
}

func (t *tx) dropSegment(v *pb.Segment) {
	t.segments.delete(v.Name)
	t.sequence.delete(segmentKey(v))
	if v.Uri != "" {
		t.deleted.set(v.Name, v)
	}
	t.changed(&pb.Change{Deleted: true, Entity: &pb.Change_Segment{Segment: v}})
}

func (t *tx) setPartition(v *pb.Partition) {
	t.partitions.set(partitionKey(v.TableId, v.Id), v)
	t.changed(&pb.Change{Entity: &pb.Change_Partition{Partition: v}})
}

func (t *tx) setSchema(v *pb.Schema) {
	t.schemas.set(v.Name, v)
	t.changed(&pb.Change{Entity: &pb.Change_Schema{Schema: v}})
}

func (t *tx) setInstance(v *pb.Instance) {
	t.instances.set(v.Id, v)
	t.changed(&pb.Change{Entity: &pb.Change_Instance{Instance: v}})
}

func (t *tx) setUser(v *pb.User) {
	t.users.set(v.Name, v)
	t.changed(&pb.Change{Entity: &pb.Change_User{User: v}})
}

// clone copies a message of the state before it is changed.
func clone[M proto.Message](m M) M { return proto.Clone(m).(M) }

func notFound(format string, args ...any) error {
	return api.Errorf(http.StatusNotFound, format, args...)
}

func conflict(format string, args ...any) error {
	return api.Errorf(http.StatusConflict, format, args...)
}

func invalid(format string, args ...any) error {
	return api.Errorf(http.StatusBadRequest, format, args...)
}

func fenced(format string, args ...any) error {
	return api.Errorf(http.StatusPreconditionFailed, format, args...)
}
