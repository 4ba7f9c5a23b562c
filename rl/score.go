package rl

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/nn"
	"relaxgo/internal/op"
	"relaxgo/internal/program"
)

// score is the program of agents whose gradient is a sum of scores, weighted by advantages that are numbers to it. It
// gives the gradients of
//
//	L(θ) = −Σ_t w_t·[A_t log π(a_t|s_t) + β·H(π(·|s_t))]   and   M = Σ_t w_t·(V(s_t) − G_t)²
//
// with respect to the parameters of policy and value.
type score struct {
	inputs
	rows, actions int
	action        *program.Input[float32] // [rows, actions], one-hot
	advantage     *program.Input[float32] // A_t [rows]
	target        *program.Input[float32] // G_t [rows]; nil without a value
	weight        *program.Input[float32] // w_t [rows]; 0 behind the last step
	beta          *program.Input[float32] // β
	program       *program.Program[float32]
}

func (m *model) newScore(rows int) (*score, error) {
	s := &score{rows: rows, actions: m.space.Actions}
	finite, plain := map[string]*G.Node{}, map[string]*G.Node{}
	g, err := program.Build(func(g *program.Graph[float32]) error {
		b, err := nn.Bind(g, m.params)
		if err != nil {
			return err
		}
		var logits *G.Node
		if s.inputs, _, logits, err = m.build(g, b, rows); err != nil {
			return err
		}
		for _, in := range []struct {
			to    **program.Input[float32]
			name  string
			shape []int
		}{
			{&s.action, "action", []int{rows, m.space.Actions}},
			{&s.advantage, "advantage", []int{rows}},
			{&s.target, "target", []int{rows}},
			{&s.weight, "weight", []int{rows}},
			{&s.beta, "beta", nil},
		} {
			if *in.to, err = g.Input(in.name, in.shape...); err != nil {
				return err
			}
		}
		var e op.Expr
		chosen := e.Of(op.SumLast(e.Of(op.Mul(s.action.Node, e.Of(op.LogSoftmax(logits))))))
		w := s.weight.Node
		h := e.Of(op.SumAll(e.Of(op.Mul(w, e.Of(entropy(logits))))))
		gain := e.Of(op.SumAll(e.Of(op.Mul(e.Of(op.Mul(w, s.advantage.Node)), chosen))))
		loss := e.Of(op.Neg(e.Of(op.Add(gain, e.Of(op.Mul(s.beta.Node, h))))))
		if err := e.Err(); err != nil {
			return err
		}
		grads, err := autodiff.Gradient(loss, m.nodes(m.policy, b)...)
		if err != nil {
			return err
		}
		m.outputs(plain, m.policy, grads)
		finite["loss"], plain["entropy"] = loss, h
		if m.value.name == "" {
			return nil
		}
		v := e.Of(m.value.scalar(b, s.obs.Node, nil))
		miss := e.Of(op.SumAll(e.Of(op.Mul(w, e.Of(op.Square(e.Of(op.Sub(v, s.target.Node))))))))
		if err := e.Err(); err != nil {
			return err
		}
		if grads, err = autodiff.Gradient(miss, m.nodes(m.value, b)...); err != nil {
			return err
		}
		m.outputs(plain, m.value, grads)
		finite["value_loss"] = miss
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.program, err = program.Compile(g, program.Outputs{Finite: finite, Plain: plain})
	return s, err
}

// lesson is a batch of steps to learn from.
type lesson struct {
	obs, bias  []float32
	actions    []int
	advantages []float64
	targets    []float64 // nil without a value
}

// run computes the gradients for a lesson whose steps all weigh the same.
func (s *score) run(l lesson, weight, beta float64) error {
	s.load(l.obs, l.bias)
	oneHot(s.action.Data, l.actions, s.actions)
	clear(s.weight.Data)
	clear(s.advantage.Data)
	clear(s.target.Data)
	for t := range l.actions {
		s.weight.Data[t] = float32(weight)
		s.advantage.Data[t] = float32(l.advantages[t])
		if l.targets != nil {
			s.target.Data[t] = float32(l.targets[t])
		}
	}
	s.beta.Data[0] = float32(beta)
	return s.program.Run()
}

// oneHot marks the actions in the rows of dst, and the first action in the rows behind them, whose weight is 0.
func oneHot(dst []float32, actions []int, n int) {
	clear(dst)
	for row := range len(dst) / n {
		a := 0
		if row < len(actions) {
			a = actions[row]
		}
		dst[row*n+a] = 1
	}
}
