package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
)

// Layout names how the table's config asks for sealed segments to be encoded
// and indexed: a digest of IndexingConfig, the same for equal configs and, but
// for chance, only for them. It is "" without a config.
func (t *Table) Layout() string {
	if t.Config == nil {
		return ""
	}
	b, err := json.Marshal(&t.Config.Indexing)
	if err != nil {
		return "" // the config has no cycles, functions or channels
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// SameButIndexing reports whether two configs differ at most in how sealed
// segments are encoded and indexed.
func SameButIndexing(a, b *TableConfig) bool {
	x, y := *a, *b
	x.Indexing, y.Indexing = IndexingConfig{}, IndexingConfig{}
	x.Raw, y.Raw = nil, nil
	p, err1 := json.Marshal(&x)
	q, err2 := json.Marshal(&y)
	return err1 == nil && err2 == nil && string(p) == string(q)
}

// For returns the part of the config that a schema has the columns for: rows of
// an older schema are sealed without the indexes of columns added since. A
// star-tree needs all of its columns.
func (ix *IndexingConfig) For(s *Schema) IndexingConfig {
	has := func(name string) bool { return s.Index(name) >= 0 }
	out := *ix
	if !has(ix.SortedColumn) {
		out.SortedColumn = ""
	}
	out.Inverted, out.NoDictionary = kept(ix.Inverted, has), kept(ix.NoDictionary, has)
	out.Dictionary, out.Range = kept(ix.Dictionary, has), kept(ix.Range, has)
	out.Text, out.FST, out.Geo = kept(ix.Text, has), kept(ix.FST, has), keptKeys(ix.Geo, has)
	out.Bloom, out.JSON, out.Timestamps = keptKeys(ix.Bloom, has), keptKeys(ix.JSON, has), keptKeys(ix.Timestamps, has)
	out.Compression, out.Partition = keptKeys(ix.Compression, has), keptKeys(ix.Partition, has)
	out.StarTrees = nil
	for _, t := range ix.StarTrees {
		if t.within(has) {
			out.StarTrees = append(out.StarTrees, t)
		}
	}
	return out
}

func (t *StarTreeConfig) within(has func(string) bool) bool {
	for _, m := range t.Metrics {
		if m.Column != "" && !has(m.Column) {
			return false
		}
	}
	return len(kept(t.Dimensions, has)) == len(t.Dimensions)
}

// kept returns the names that has knows, the list itself when it knows all.
func kept(names []string, has func(string) bool) []string {
	missing := func(n string) bool { return !has(n) }
	if !slices.ContainsFunc(names, missing) {
		return names
	}
	return slices.DeleteFunc(slices.Clone(names), missing)
}

func keptKeys[V any](m map[string]V, has func(string) bool) map[string]V {
	if len(m) == 0 {
		return m
	}
	out := maps.Clone(m)
	maps.DeleteFunc(out, func(n string, _ V) bool { return !has(n) })
	return out
}
