package plan

import (
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// In Pinot's dialect a condition on a multi-value column and a single value is
// about the column's elements: = , IN, BETWEEN, LIKE and ranges hold when any
// element fulfils them, <> and NOT IN when none fulfils the opposite.

// betweenName is the condition that an element lies between two values.
const betweenName = AnyPrefix + "between"

// ofPrefix begins the name of a condition whose operator has the elements on
// its left: the function takes the array first.
const ofPrefix = AnyPrefix + "of "

// aboutElements reports whether an operator between the two is about elements.
func (x *exprBinder) aboutElements(list, single Expr) bool {
	return x.opt.Dialect == fn.Pinot && list.Type().Kind() == schema.KindList && single.Type().Kind() != schema.KindList
}

// multiValue binds an operator between a multi-value column and a single value;
// nil for any other operator.
func (x *exprBinder) multiValue(name string, left, right Expr, loc int) (Expr, error) {
	list, single, op := left, right, mirrored[name]
	if !x.aboutElements(list, single) {
		list, single, op = right, left, name
		if !x.aboutElements(list, single) || mirrored[name] == "" {
			return nil, nil
		}
	}
	switch {
	case name == "<>":
		e, err := x.quantified(AnyPrefix, "=", single, list, loc)
		if err != nil {
			return nil, err
		}
		return &Not{Arg: e}, nil
	case op != "":
		return x.quantified(AnyPrefix, op, single, list, loc)
	case name == "~~" || name == "~~*" || name == "~" || name == "~*":
		return x.ofElements(name, list, single, loc)
	case name == "!~~" || name == "!~~*" || name == "!~" || name == "!~*":
		e, err := x.ofElements(name[1:], list, single, loc)
		if err != nil {
			return nil, err
		}
		return &Not{Arg: e}, nil
	}
	return nil, nil
}

// ofElements is element op single for any element.
func (x *exprBinder) ofElements(op string, list, single Expr, loc int) (Expr, error) {
	f, castTo, err := fn.Resolve(op, []schema.Type{list.Type().Elem(), single.Type()}, x.opt.Dialect)
	if err != nil {
		return nil, at(err, loc)
	}
	if single, err = x.convertArg(single, castTo[1], loc); err != nil {
		return nil, err
	}
	if list.Type().Elem() != castTo[0] {
		if list, err = x.coerce(list, castTo[0].AsList(), true, loc); err != nil {
			return nil, err
		}
	}
	args := []Expr{list, single}
	return &Call{Fn: ofElementsFunc(ofPrefix+op, f, exprTypes(args)), Args: args, Typ: schema.Bool}, nil
}

// elementsIn is mv IN (list) and mv NOT IN (list): some element is one of the
// list, or none.
func (x *exprBinder) elementsIn(mv Expr, list []Expr, negated bool, loc int) (Expr, error) {
	elem := mv.Type().Elem()
	values := &Array{Typ: elem.AsList()}
	for _, e := range list {
		c, err := x.coerce(e, elem, false, loc)
		if err != nil {
			return x.elementsEqual(mv, list, negated, loc)
		}
		values.Elems = append(values.Elems, c)
	}
	e, err := x.call("&&", []Expr{mv, foldOne(x.ctx, values, false)}, loc)
	if err == nil && negated {
		e = &Not{Arg: e}
	}
	return e, err
}

// elementsEqual is elementsIn for values that do not become elements, such as
// 1.5 beside whole numbers.
func (x *exprBinder) elementsEqual(mv Expr, list []Expr, negated bool, loc int) (Expr, error) {
	if err := x.repeat(mv, len(list), loc); err != nil {
		return nil, err
	}
	parts := make([]Expr, len(list))
	for i, v := range list {
		e, err := x.quantified(AnyPrefix, "=", v, mv, loc)
		if err != nil {
			return nil, err
		}
		parts[i] = e
	}
	e := foldLogic(parts, true)
	if negated {
		e = &Not{Arg: e}
	}
	return e, nil
}

// elementBetween is mv BETWEEN lo AND hi: one element lies between both.
func (x *exprBinder) elementBetween(mv, lo, hi Expr, loc int) (Expr, error) {
	elem := mv.Type().Elem()
	for _, bound := range []*Expr{&lo, &hi} {
		e, err := x.coerce(*bound, elem, false, loc)
		if err != nil {
			return nil, err
		}
		*bound = e
	}
	args := []Expr{mv, lo, hi}
	return &Call{Fn: builtin(betweenName, exprTypes(args), x.opt.Dialect), Args: args, Typ: schema.Bool}, nil
}
