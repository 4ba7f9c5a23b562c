package autodiff

import (
	"fmt"
	"strings"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
)

// trustedOps lists, by type, the ops of Gorgonia v0.9.18 whose derivatives agree with finite differences, and agree
// again when the derivative is differentiated; the value tells whether one node of the type is to be trusted.
// Absent on purpose: Reshape (its result shares memory with its input and is overwritten), SoftMax (maximum over the
// wrong elements), Dropout, AvgPool2D, ByIndices, and the backward ops of Slice, BatchNorm and convolutions, which
// inherit the derivative of their forward ops.
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
	"*gorgonia.sumOp":      ascendingAxes,
	"gorgonia.maxOp":       ascendingAxes,
	"*gorgonia.maxOp":      ascendingAxes,
	"gorgonia.repeatOp":    always,
	"*gorgonia.repeatOp":   always,
	"gorgonia.transposeOp": always,
	"gorgonia.concatOp":    always,
	"*gorgonia.sliceOp":    always, // once: its backward op is not listed
	"gorgonia.minBetween":  always,
	"gorgonia.maxBetween":  always,
}

func always(*G.Node) bool { return true }

// ascendingAxes tells whether a reduction names its axes in ascending order, as its derivative supposes.
func ascendingAxes(n *G.Node) bool {
	text := fmt.Sprint(n.Op())
	open := strings.IndexByte(text, '[')
	if open < 0 {
		return true
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

// trusted returns an error for a Gorgonia op whose derivative cannot be relied on.
func trusted(n *G.Node) error {
	kind := fmt.Sprintf("%T", n.Op())
	if ok := trustedOps[kind]; ok != nil && ok(n) {
		return nil
	}
	return fmt.Errorf("%w: Gorgonia's derivative of %s is wrong or was never checked", op.ErrNotDifferentiable, kind)
}
