package autodiff

import (
	"fmt"
	"strings"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
)

// trustedOps lists, by type, the ops of Gorgonia v0.9.18 whose derivatives agree with finite differences; the value
// tells whether one node of the type is to be trusted. Derivatives of these that consist of ops of the list can be
// differentiated again and agree once more; the others end with an error, because the ops that they are made of are
// absent here. Absent on purpose:
//
//   - Reshape, and so the Broadcast functions and the derivative of Sum: its result shares memory with its input,
//     which later ops of a run overwrite;
//   - Max along axes: every one of several equal elements gets the whole gradient, so max(x, x) has derivative 2;
//   - SoftMax (its maximum is over the wrong elements), Dropout, AvgPool2D, ByIndices, OuterProd (wrong);
//   - the backward ops of Slice, BatchNorm, pools and convolutions: they inherit the derivative of their forward ops.
var trustedOps = map[string]func(n *G.Node) bool{
	"gorgonia.elemUnaryOp": func(n *G.Node) bool {
		switch fmt.Sprint(n.Op()) {
		case "log2", "invSqrt": // wrong factor and wrong power
			return false
		}
		return true
	},
	"gorgonia.elemBinOp":   always,
	"gorgonia.linAlgBinOp": func(n *G.Node) bool { return !strings.Contains(fmt.Sprint(n.Op()), "⊗") },
	"gorgonia.tensordotOp": always,
	"gorgonia.sumOp":       ascendingAxes,
	"gorgonia.transposeOp": always,
	"gorgonia.concatOp":    always,
	"*gorgonia.sliceOp":    shortAxes,
	"gorgonia.minBetween":  always,
	"gorgonia.maxBetween":  always,
}

func always(*G.Node) bool { return true }

// ascendingAxes tells whether a reduction names its axes in ascending order, as its derivative supposes.
func ascendingAxes(n *G.Node) bool {
	text := fmt.Sprint(n.Op())
	open := strings.IndexByte(text, '[')
	if open < 0 {
		return false
	}
	previous := -1
	for _, field := range strings.Fields(strings.Trim(text[open:], "[]")) {
		var axis int
		if _, err := fmt.Sscan(field, &axis); err != nil || axis <= previous {
			return false
		}
		previous = axis
	}
	return true
}

// shortAxes tells whether a slice is of a node whose axes have at most 256 elements. Gorgonia takes the bounds of
// slices modulo 256 when it looks for equal nodes, so in a longer axis one slice may have been replaced by another.
func shortAxes(n *G.Node) bool {
	for _, d := range children(n)[0].Shape() {
		if d > 256 {
			return false
		}
	}
	return true
}

// trusted returns an error for an op of Gorgonia, or of anybody else, whose derivative cannot be relied on.
func trusted(n *G.Node) error {
	kind := fmt.Sprintf("%T", n.Op())
	if ok := trustedOps[kind]; ok != nil && ok(n) {
		return nil
	}
	return fmt.Errorf("%w: the derivative of %s is wrong or was never checked", op.ErrNotDifferentiable, kind)
}
