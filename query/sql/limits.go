package sql

import (
	"strings"

	pg "github.com/sqlc-dev/oliphant"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// Limits of a text. Beyond them Parse fails with 54001. The parser recurses,
// and a Go stack that overflows cannot be recovered from, so nesting is
// bounded before parsing; what nests without a mark in the text (chains of
// operators, of UNION) makes deep trees and is bounded after it, for the sake
// of everything that walks the tree by recursion.
const (
	MaxTextBytes = 16 << 20
	MaxNesting   = 256
	maxTreeDepth = 2000
	// treeDepthPerToken bounds how many levels of the tree one token adds;
	// texts with few tokens need no look at the tree.
	treeDepthPerToken = 4
)

// summary is what the pass before parsing finds out.
type summary struct {
	tokens    int
	extension bool // a keyword of an extension occurs
}

// nesting counts what makes the parser recurse.
type nesting struct {
	open   int // parentheses, brackets, CASE
	prefix int // NOT and prefix operators without an end of their operand
	signs  int // + and - in a row: they bind tighter than anything else
	joins  int // JOIN without its ON or USING
}

func (n *nesting) total() int { return n.open + n.prefix + n.signs + n.joins }

// checkLimits bounds nesting in one pass over the text.
func checkLimits(text string) (summary, error) {
	var sum summary
	var n nesting
	s := scanner{text: text}
	operand := false // the token before ended an operand
	for {
		t := s.next()
		if t.kind == tokEnd {
			return sum, nil
		}
		sum.tokens++
		switch t.kind {
		case '(', '[':
			n.open++
			operand = false
		case ')', ']':
			n.open = max(n.open-1, 0)
			operand = true
		case tokOp:
			if !operand {
				n.operator(text[t.start:t.end])
			}
			operand = false
		case ',':
			n.prefix, n.signs, operand = 0, 0, false
		case ';':
			n.prefix, n.signs, n.joins, operand = 0, 0, 0, false
		case tokWord:
			operand = n.word(text[t.start:t.end])
			sum.extension = sum.extension || isExtensionWord(text[t.start:t.end])
		default:
			operand = true
		}
		if operand {
			n.signs = 0
		}
		if n.total() > MaxNesting {
			return sum, sqlerr.New(sqlerr.StatementTooComplex, "statement nests deeper than %d levels", MaxNesting).At(t.start)
		}
	}
}

// operator counts a prefix operator.
func (n *nesting) operator(op string) {
	if op == "-" || op == "+" {
		n.signs++
		return
	}
	n.prefix++
}

// word counts a keyword and reports whether it may end an operand.
func (n *nesting) word(w string) bool {
	if len(w) > 5 {
		return true
	}
	switch strings.ToLower(w) {
	case "case":
		n.open++
		return false
	case "end":
		n.open = max(n.open-1, 0)
	case "not":
		n.prefix++
		return false
	case "and", "or", "when", "then", "else", "where", "from":
		n.prefix = 0
		return false
	case "join":
		n.joins++
	case "on", "using":
		n.joins = max(n.joins-1, 0)
		n.prefix = 0
		return false
	}
	return true
}

// level is a message of the tree with its depth.
type level struct {
	m     protoreflect.Message
	depth int
}

// checkDepth bounds the depth of a tree without recursion. Node, the wrapper
// around each message, does not count.
func checkDepth(tree *pg.ParseResult) error {
	stack := []level{{tree.ProtoReflect(), 0}}
	node := (&pg.Node{}).ProtoReflect().Descriptor()
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if top.depth > maxTreeDepth {
			return sqlerr.New(sqlerr.StatementTooComplex, "statement nests deeper than %d levels", maxTreeDepth)
		}
		depth := top.depth
		if top.m.Descriptor() != node {
			depth++
		}
		top.m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			stack = pushMessages(stack, fd, v, depth)
			return true
		})
	}
	return nil
}

func pushMessages(stack []level, fd protoreflect.FieldDescriptor, v protoreflect.Value, depth int) []level {
	if fd.Message() == nil {
		return stack
	}
	if !fd.IsList() {
		return append(stack, level{v.Message(), depth})
	}
	list := v.List()
	for i := range list.Len() {
		stack = append(stack, level{list.Get(i).Message(), depth})
	}
	return stack
}
