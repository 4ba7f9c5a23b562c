package program

import (
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
)

// What depends on no input is computed once, and stays right when the inputs change.
func TestFixedNodes(t *testing.T) {
	var x *Input[float64]
	var constant, exp, product *G.Node
	g, err := Build(func(g *Graph[float64]) (err error) {
		if x, err = g.Input("x", 2); err != nil {
			return err
		}
		var e op.Expr
		constant = e.Of(op.FullLike(x.Node, 0))
		exp = e.Of(op.Exp(constant))
		product = e.Of(op.Mul(exp, x.Node))
		return e.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(g, Outputs{Plain: map[string]*G.Node{"product": product}})
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range p.nodes {
		if want := n == constant || n == exp; p.fixed[i] != want {
			t.Errorf("node %v: fixed %t, want %t", n, p.fixed[i], want)
		}
	}
	for _, v := range []float64{2, 3} {
		x.Data[0], x.Data[1] = v, -v
		if err := p.Run(); err != nil {
			t.Fatal(err)
		}
		if got := p.Output("product"); got[0] != v || got[1] != -v {
			t.Errorf("product %v, want %v and %v", got, v, -v)
		}
	}
}
