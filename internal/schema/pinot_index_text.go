package schema

import (
	"fmt"
	"slices"
)

// readTextIndex reads the object that configures a text index.
func (r *tableReader) readTextIndex(o *object, column string) {
	if !o.boolean("disabled", false) {
		addOnce(&r.cfg.Indexing.Text, column)
	}
	o.ignore("fst", "rawValue", "queryCache", "useANDForMultiTermQueries", "stopWordsInclude", "stopWordsExclude",
		"luceneUseCompoundFile", "luceneMaxBufferSizeMB", "luceneAnalyzerClass", "luceneAnalyzerClassArgs",
		"luceneAnalyzerClassArgTypes", "luceneQueryParserClass", "enablePrefixSuffixMatchingInPhraseQueries",
		"reuseMutableIndex", "luceneNRTCachingDirectoryMaxBufferSizeMB", "useLogByteSizeMergePolicy", "docIdTranslatorMode",
		"caseSensitive", "storeInSegmentFile")
	o.done()
}

// addFST asks for a dictionary that LIKE and regular expressions are looked up
// in. Dictionaries are sorted, so that a prefix is a range of them: no automaton
// is built beside.
func (r *tableReader) addFST(o *object, key, column string) {
	addOnce(&r.cfg.Indexing.FST, column)
	o.warn(key, "the FST index of %q is the sorted dictionary itself", column)
}

func (v *validator) textIndexes(ix *IndexingConfig) {
	const path = "fieldConfigList: text index"
	v.columns(path, ix.Text)
	for _, n := range ix.Text {
		if i := v.schema.Index(n); i >= 0 {
			if err := CheckTextIndex(v.schema.Fields[i].Type); err != nil {
				v.fail("%s: %q: %w", path, n, err)
			}
		}
	}
}

func (v *validator) fstIndexes(ix *IndexingConfig) {
	const path = "tableIndexConfig.fstIndexColumns"
	v.columns(path, ix.FST)
	for _, n := range ix.FST {
		i := v.schema.Index(n)
		switch {
		case i >= 0 && CheckTextIndex(v.schema.Fields[i].Type) != nil:
			v.fail("%s: %q of type %s cannot be matched by LIKE; an FST index needs STRING", path, n, dataTypeName(v.schema.Fields[i].Type))
		case slices.Contains(ix.NoDictionary, n):
			v.fail("%s: %q has no dictionary (noDictionaryColumns), which an FST index needs", path, n)
		}
	}
}

// CheckTextIndex tells why columns of a type cannot have a text index, nil if
// they can.
func CheckTextIndex(t Type) error {
	if !t.List && (t.ID == TypeText || t.ID == TypeVarchar) {
		return nil
	}
	return fmt.Errorf("a column of type %s has no words; a text index needs STRING", dataTypeName(t))
}
