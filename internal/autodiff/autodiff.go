// Package autodiff differentiates expression graphs. It replaces gorgonia.Grad, which may be called once per graph
// only: a second call returns the first loss's gradient, and gradients of gradients come out wrong, both silently.
// Here any number of losses of one graph can be differentiated, with respect to inputs and intermediate nodes
// alike, and gradients are graphs that can be differentiated again.
package autodiff

import (
	"errors"
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
)

// Gradient returns ∂loss/∂w for each w of wrt, in order, as nodes of the graph. The loss is a scalar; a wrt that it
// does not depend on, or only through ops that stop gradients, has gradient zero.
//
// An op that has no derivative, has no further derivative, or whose derivative Gorgonia computes wrongly, on the way
// from a wrt to the loss is an error that names it; so is a wrt of another graph.
func Gradient(loss *G.Node, wrt ...*G.Node) (G.Nodes, error) {
	if loss == nil || loss.Graph() == nil {
		return nil, errors.New("autodiff: the loss is nil or belongs to no graph")
	}
	if !loss.IsScalar() {
		return nil, fmt.Errorf("autodiff: the loss has shape %v; sum it up first, only a scalar has a gradient", loss.Shape())
	}
	for i, w := range wrt {
		if w == nil || w.Graph() != loss.Graph() {
			return nil, fmt.Errorf("autodiff: variable %d is not a node of the loss's graph", i)
		}
	}
	order, active := activeNodes(loss, wrt)
	seed, err := op.FullLike(loss, 1)
	if err != nil {
		return nil, fmt.Errorf("autodiff: %w", err)
	}
	grads := map[*G.Node]*G.Node{loss: seed}
	for _, n := range order {
		grad := grads[n]
		if grad == nil || n.Op() == nil {
			continue
		}
		parts, need, err := pullBack(n, grad, active)
		if err != nil {
			return nil, err
		}
		for i, child := range children(n) {
			if !need[i] {
				continue
			}
			if sum, ok := grads[child]; ok {
				if parts[i], err = op.Add(sum, parts[i]); err != nil {
					return nil, fmt.Errorf("autodiff: gradients of %v do not add up: %w", child, err)
				}
			}
			grads[child] = parts[i]
		}
	}
	result := make(G.Nodes, len(wrt))
	for i, w := range wrt {
		if result[i] = grads[w]; result[i] == nil {
			if result[i], err = op.FullLike(w, 0); err != nil {
				return nil, fmt.Errorf("autodiff: %w", err)
			}
		}
	}
	return result, nil
}

// activeNodes returns the nodes under loss, each before its children, and among them the set of those that depend
// on a wrt.
func activeNodes(loss *G.Node, wrt []*G.Node) (order []*G.Node, active map[*G.Node]bool) {
	active = make(map[*G.Node]bool)
	for _, w := range wrt {
		active[w] = true
	}
	// A depth-first walk with an explicit stack: graphs of unrolled loops are deeper than a call stack should be.
	type frame struct {
		node *G.Node
		ch   []*G.Node
		next int
	}
	visited := map[*G.Node]bool{loss: true}
	stack := []frame{{node: loss, ch: children(loss)}}
	for len(stack) > 0 {
		f := &stack[len(stack)-1]
		if f.next < len(f.ch) {
			c := f.ch[f.next]
			f.next++
			if !visited[c] {
				visited[c] = true
				stack = append(stack, frame{node: c, ch: children(c)})
			}
			continue
		}
		for _, c := range f.ch {
			if active[c] {
				active[f.node] = true
			}
		}
		order = append(order, f.node)
		stack = stack[:len(stack)-1]
	}
	slices.Reverse(order)
	return order, active
}

// pullBack gives the gradient of n to those of its children that are active and that n's op differentiates.
func pullBack(n, grad *G.Node, active map[*G.Node]bool) (parts G.Nodes, need []bool, err error) {
	ch := children(n)
	need = make([]bool, len(ch))
	differentiable, ok := n.Op().(G.SDOp)
	if !ok {
		for _, c := range ch {
			if active[c] {
				return nil, nil, fmt.Errorf("autodiff: %s: %w", describe(n), op.ErrNotDifferentiable)
			}
		}
		return nil, need, nil
	}
	wanted := false
	for i, d := range differentiable.DiffWRT(len(ch)) {
		need[i] = d && active[ch[i]]
		wanted = wanted || need[i]
	}
	if !wanted {
		return nil, need, nil
	}
	type partial interface {
		PartialDiff(need []bool, in G.Nodes, out, grad *G.Node) (G.Nodes, error)
	}
	if own, ok := n.Op().(partial); ok {
		parts, err = own.PartialDiff(need, ch, n, grad)
	} else if err = trusted(n); err == nil {
		parts, err = differentiable.SymDiff(ch, n, grad)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("autodiff: %s: %w", describe(n), err)
	}
	for i := range need {
		if need[i] && !slices.Equal(parts[i].Shape(), ch[i].Shape()) { // Shape.Eq takes [n] for [n, 1]
			return nil, nil, fmt.Errorf("autodiff: %s: the gradient of input %d has shape %v, the input %v",
				describe(n), i, parts[i].Shape(), ch[i].Shape())
		}
	}
	return parts, need, nil
}

// children are the inputs of a node in order, repeated ones included.
func children(n *G.Node) G.Nodes {
	var ch G.Nodes
	for it := n.Graph().From(n.ID()); it.Next(); {
		ch = append(ch, it.Node().(*G.Node))
	}
	return ch
}

func describe(n *G.Node) string { return fmt.Sprintf("op %v of shape %v", n.Op(), n.Shape()) }
