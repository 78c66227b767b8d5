package inspect

import (
	"fmt"
	"strings"

	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/immutable"
)

// StarTree describes a star-tree.
type StarTree struct {
	Dimensions  []TreeDimension `json:"dimensions"`
	MaxLeaf     uint32          `json:"maxLeafRecords"`
	BaseRecords uint32          `json:"baseRecords"`
	Records     uint32          `json:"records"`
	Nodes       uint32          `json:"nodes"`
	Bytes       uint64          `json:"bytes"`
	NodeBuffer  Buffer          `json:"nodeBuffer"`
	Metrics     []TreeMetric    `json:"metrics"`
	Fault       string          `json:"fault,omitempty"`
}

// TreeDimension is a dimension of a star-tree.
type TreeDimension struct {
	Column uint32 `json:"column"`
	Name   string `json:"name"`
	NoStar bool   `json:"noStar,omitempty"`
	Bytes  uint64 `json:"bytes"`
}

// TreeMetric is an aggregation of a star-tree.
type TreeMetric struct {
	Key       string   `json:"key"`
	Encodings []string `json:"encodings"` // of its state columns
	Bytes     uint64   `json:"bytes"`
}

// starTrees describes all star-trees of a segment.
func starTrees(s *immutable.Segment) []StarTree {
	var out []StarTree
	for i, t := range s.StarTrees() {
		d := describeTree(&s.Directory().StarTrees[i])
		if _, err := t.Records(); err != nil {
			d.Fault = err.Error()
		}
		out = append(out, d)
	}
	return out
}

func describeTree(t *format.StarTree) StarTree {
	m := &t.Meta
	d := StarTree{MaxLeaf: m.MaxLeaf, BaseRecords: m.Base, Records: m.Records, Nodes: m.Nodes, Bytes: m.Bytes, Metrics: []TreeMetric{}}
	d.NodeBuffer = Buffer{Role: t.Nodes.Role.String(), Offset: t.Nodes.Offset, Bytes: t.Nodes.Length, CRC: fmt.Sprintf("%08x", t.Nodes.CRC)}
	for i := range t.Dimensions {
		c := t.Dimensions[i].Meta
		d.Dimensions = append(d.Dimensions, TreeDimension{Column: c.ID, Name: c.Name, NoStar: m.NoStar[i], Bytes: c.Bytes})
	}
	for i, states := range t.Metrics {
		x := TreeMetric{Key: m.Metrics[i].Key}
		for k := range states {
			x.Encodings = append(x.Encodings, EncodingName(states[k].Meta.Encoding))
			x.Bytes += states[k].Meta.Bytes
		}
		d.Metrics = append(d.Metrics, x)
	}
	return d
}

func (t *StarTree) text(b *strings.Builder, number int) {
	fmt.Fprintf(b, "star-tree %d\n", number)
	fmt.Fprintf(b, "  %d base records, %d records, %d nodes of at most %d records, %d bytes\n", t.BaseRecords, t.Records, t.Nodes, t.MaxLeaf, t.Bytes)
	if t.Fault != "" {
		fmt.Fprintf(b, "  FAULT %s\n", t.Fault)
	}
	x := &t.NodeBuffer
	fmt.Fprintf(b, "  @%-8d %8d  %s  %s\n", x.Offset, x.Bytes, x.CRC, x.Role)
	for _, d := range t.Dimensions {
		star := ""
		if d.NoStar {
			star = ", no star"
		}
		fmt.Fprintf(b, "  dimension %d %q, %d bytes%s\n", d.Column, d.Name, d.Bytes, star)
	}
	for _, m := range t.Metrics {
		fmt.Fprintf(b, "  metric %s, %d bytes, %s\n", m.Key, m.Bytes, strings.Join(m.Encodings, " "))
	}
}
