package study

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/internal/optim"
	"relaxgo/internal/program"
	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/meter"
	"relaxgo/relax/noise"
)

// variable is a parameter of an estimator with its value, which benches share.
type variable struct {
	estimator.Parameter
	value []float32
}

// bench is an estimator at work on rows that share their logits.
type bench struct {
	prog      *program.Program[float32]
	logits    *program.Input[float32]
	noise     []*program.Input[float32]
	kinds     []noise.Kind
	sources   []*noise.Source
	variables []variable
}

// Outputs of a bench.
const gradOutput = "gradient"

func tuningOutput(name string) string { return "tuning of " + name }

// newBench builds and compiles the estimator. Noise comes from the stream of the seed; its number of the input is all that
// it depends on beside, so that estimators share it. Variables are those of another bench, or nil for the initial ones of
// the seed. If it tunes, a run computes the gradients for them.
func newBench(c meter.Case, e estimator.Estimator, rows int, seed uint64, stream string, variables []variable, tunes bool) (*bench, error) {
	b := &bench{variables: variables}
	outputs := make(map[string]*G.Node)
	g, err := program.Build(func(g *program.Graph[float32]) error {
		p, err := b.problem(g, c, rows)
		if err != nil {
			return err
		}
		var eps, params []*G.Node
		for i, s := range e.Noise(p) {
			in, err := g.Input(fmt.Sprintf("noise %d", i), s.Shape...)
			if err != nil {
				return err
			}
			eps = append(eps, in.Node)
			b.noise, b.kinds = append(b.noise, in), append(b.kinds, s.Kind)
			b.sources = append(b.sources, noise.NewSource(seed, stream, i))
		}
		if b.variables == nil {
			for _, w := range e.Parameters(p, seed) {
				b.variables = append(b.variables, variable{w, float32s(w.Initial)})
			}
		}
		for _, v := range b.variables {
			in, err := g.Bind(v.Name, v.value, v.Shape...)
			if err != nil {
				return err
			}
			params = append(params, in.Node)
		}
		estimate, err := e.Build(p, eps, params)
		if err != nil {
			return err
		}
		outputs[gradOutput] = estimate.Grad
		if !tunes || len(params) == 0 {
			return nil
		}
		var x op.Expr
		loss := x.Of(op.MeanAll(estimate.Tuning))
		if err := x.Err(); err != nil {
			return err
		}
		grads, err := autodiff.Gradient(loss, params...)
		if err != nil {
			return err
		}
		for i, grad := range grads {
			outputs[tuningOutput(b.variables[i].Name)] = grad
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	b.prog, err = program.Compile(g, program.Outputs{Finite: outputs})
	return b, err
}

// problem is the case for a number of rows.
func (b *bench) problem(g *program.Graph[float32], c meter.Case, rows int) (estimator.Problem, error) {
	var err error
	if b.logits, err = g.Bind("logits", float32s(slices.Repeat(c.Logits, rows)), append([]int{rows}, c.Shape...)...); err != nil {
		return estimator.Problem{}, err
	}
	p := estimator.Problem{Law: c.Law, Logits: b.logits.Node, F: c.F, Smooth: c.Smooth}
	if len(c.Context) > 0 {
		context, err := g.Bind("context", float32s(slices.Repeat(c.Context, rows)), rows, len(c.Context))
		if err != nil {
			return estimator.Problem{}, err
		}
		p.Context = context.Node
	}
	return p, nil
}

// run makes an estimate for each row, which hold until the next run.
func (b *bench) run() ([]float32, error) {
	for i, in := range b.noise {
		noise.Fill(b.sources[i], b.kinds[i], in.Data)
	}
	if err := b.prog.Run(); err != nil {
		return nil, err
	}
	return b.prog.Output(gradOutput), nil
}

// slots are the variables and the gradients of the last run.
func (b *bench) slots() []optim.Slot {
	var slots []optim.Slot
	for _, v := range b.variables {
		slots = append(slots, optim.Slot{Name: v.Name, Value: v.value, Grad: slices.Clone(b.prog.Output(tuningOutput(v.Name)))})
	}
	return slots
}

func float32s(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

func float64s(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}
