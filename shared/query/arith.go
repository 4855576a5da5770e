package query

import (
	"math"
	"strconv"
	"strings"
)

// arith is an expression over slots: a number, a slot, or an operation on others.
type arith struct {
	Op     string  `json:"op"` // "number", "slot", "neg", or one of + - * /
	Number float64 `json:"number,omitempty"`
	Slot   int     `json:"slot,omitempty"`
	Args   []arith `json:"args,omitempty"`
}

const (
	opNumber = "number"
	opSlot   = "slot"
	opNeg    = "neg"
)

// eval computes the expression. A null operand, a division by zero or a result past
// what floats hold is null.
func (e arith) eval(slots []Value) Value {
	f := e.float(slots)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Value{}
	}
	return FloatValue(f)
}

// float computes the expression, NaN for null.
func (e arith) float(slots []Value) float64 {
	switch e.Op {
	case opNumber:
		return e.Number
	case opSlot:
		return slots[e.Slot].number()
	case opNeg:
		return -e.Args[0].float(slots)
	}
	a, b := e.Args[0].float(slots), e.Args[1].float(slots)
	switch {
	case e.Op == "+":
		return a + b
	case e.Op == "-":
		return a - b
	case e.Op == "*":
		return a * b
	case b == 0:
		return math.NaN()
	}
	return a / b
}

// number returns an int or float as a float, NaN for null.
func (v Value) number() float64 {
	switch v.kind {
	case kindInt:
		return float64(v.Int())
	case kindFloat:
		return v.Float()
	case kindBig:
		f, _ := strconv.ParseFloat(v.text, 64) // digits; past what floats hold it is infinite
		return f
	}
	return math.NaN()
}

// exprParser reads arithmetic: + - * / with their usual precedence, parentheses,
// numbers, and names of measures: letters, digits and _, or anything within
// backquotes.
type exprParser struct {
	path, text string
	at         int
	depth      int
	look       func(name string) (slot int, err error)
}

// parseExpr reads an expression; look finds the slots of names.
func parseExpr(path, text string, look func(string) (int, error)) (arith, error) {
	p := &exprParser{path: path, text: text, look: look}
	if len(text) > MaxExpr {
		return arith{}, refuse(path, "an expression has at most %d bytes", MaxExpr)
	}
	e, err := p.sum()
	if err == nil && p.peek() != 0 {
		err = p.refuse("an operator")
	}
	return e, err
}

// namesIn lists the names in an expression.
func namesIn(text string) (names []string, err error) {
	_, err = parseExpr("", text, func(name string) (int, error) {
		names = append(names, name)
		return 0, nil
	})
	return names, err
}

func (p *exprParser) refuse(want string) error {
	return refuse(p.path, "expected %s at byte %d of %.80q", want, p.at, p.text).
		WithHint("write arithmetic over measures: (revenue - cost) / users * 100; a name with other characters in `backquotes`")
}

// peek returns the next byte that is no space, 0 at the end.
func (p *exprParser) peek() byte {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t' || p.text[p.at] == '\n') {
		p.at++
	}
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

func (p *exprParser) sum() (arith, error)     { return p.binary("+-", p.product) }
func (p *exprParser) product() (arith, error) { return p.binary("*/", p.factor) }

func (p *exprParser) binary(operators string, operand func() (arith, error)) (arith, error) {
	left, err := operand()
	for err == nil {
		op := p.peek()
		if op == 0 || strings.IndexByte(operators, op) < 0 {
			return left, nil
		}
		p.at++
		var right arith
		right, err = operand()
		left = arith{Op: string(op), Args: []arith{left, right}}
	}
	return left, err
}

func (p *exprParser) factor() (arith, error) {
	if p.depth++; p.depth > MaxDepth {
		return arith{}, refuse(p.path, "nested deeper than %d", MaxDepth)
	}
	defer func() { p.depth-- }()
	switch c := p.peek(); {
	case c == '-':
		p.at++
		e, err := p.factor()
		return arith{Op: opNeg, Args: []arith{e}}, err
	case c == '(':
		p.at++
		e, err := p.sum()
		if err == nil && p.peek() != ')' {
			err = p.refuse(`")"`)
		}
		p.at++
		return e, err
	case c >= '0' && c <= '9' || c == '.':
		return p.number()
	}
	name, err := p.name()
	if err != nil {
		return arith{}, err
	}
	slot, err := p.look(name)
	return arith{Op: opSlot, Slot: slot}, err
}

func (p *exprParser) number() (arith, error) {
	end := p.at
	for end < len(p.text) && (p.text[end] >= '0' && p.text[end] <= '9' || p.text[end] == '.') {
		end++
	}
	f, err := strconv.ParseFloat(p.text[p.at:end], 64)
	if err != nil {
		return arith{}, p.refuse("a number")
	}
	p.at = end
	return arith{Op: opNumber, Number: f}, nil
}

func (p *exprParser) name() (string, error) {
	if p.peek() == '`' {
		end := strings.IndexByte(p.text[p.at+1:], '`')
		if end < 1 {
			return "", p.refuse("a name within backquotes")
		}
		name := p.text[p.at+1 : p.at+1+end]
		p.at += end + 2
		return name, nil
	}
	end := p.at
	for end < len(p.text) && isNameByte(p.text[end]) {
		end++
	}
	if end == p.at {
		return "", p.refuse("a measure, a number or (")
	}
	name := p.text[p.at:end]
	p.at = end
	return name, nil
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
