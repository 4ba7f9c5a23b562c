package op

import G "gorgonia.org/gorgonia"

// Expr lets formulas be written as nested calls. Of passes a node on and remembers the first error; every op
// refuses the nil node that follows, so the rest of the formula does nothing.
//
//	var e op.Expr
//	y := e.Of(op.Div(e.Of(op.Add(logits, noise)), tau))
//	return y, e.Err()
type Expr struct{ err error }

// Of returns n and keeps the first error that it is given.
func (e *Expr) Of(n *G.Node, err error) *G.Node {
	if e.err == nil {
		e.err = err
	}
	if e.err != nil {
		return nil
	}
	return n
}

// Err is the first error seen.
func (e *Expr) Err() error { return e.err }

// Nodes ends a formula of several results.
func (e *Expr) Nodes(n ...*G.Node) (G.Nodes, error) {
	if e.err != nil {
		return nil, e.err
	}
	return n, nil
}

// Node ends a formula of one result.
func (e *Expr) Node(n *G.Node) (*G.Node, error) {
	if e.err != nil {
		return nil, e.err
	}
	return n, nil
}
