package rl

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/nn"
	"relaxgo/internal/op"
	"relaxgo/internal/program"
	"relaxgo/internal/run"
	"relaxgo/relax"
	"relaxgo/relax/noise"
	"relaxgo/rl/returns"
)

// relaxAgent is RELAX. The action is the argmax of z = log π + Gumbel noise. A control variate c(s, z), a network of the
// observation and of softmax(z/τ), takes from the score what it can predict, and gives it back as a gradient through
// the noise:
//
//	ĝ = Σ_t (R_t − c(s_t, z̃_t))·∇log π(a_t|s_t) + ∇c(s_t, z_t) − ∇c(s_t, z̃_t)
//
// with Monte-Carlo returns R_t and z̃_t drawn from the law of z_t given a_t. Since E c(s, z̃) = E c(s, z), this is unbiased
// for every c. The control variate follows the gradient of ‖ĝ‖², whose mean is the variance of ĝ up to a constant, or of
// something like it, see CVTotal and its kin. An optional value V(s), learned by least squares, is subtracted
// from R_t and keeps ĝ unbiased, too. Gradients are averaged over the episodes of an update, and both networks move along
// gradients taken at the same parameters.
//
// The sampler needs normalised log-probabilities, and z̃ its largest element from the Gumbel law: relax.Categorical sees
// to both. Programs of the paper's authors and of others do not, and are biased.
//
// Source: Grathwohl, Choi, Wu, Roeder and Duvenaud (2018), "Backpropagation through the void: optimizing control variates
// for black-box gradient estimation", ICLR, arXiv:1711.00123, section 3.3 and appendix.
type relaxAgent struct {
	*learner
	player    *player
	estimates programs[*estimate]
	sums      map[string][]float32 // gradients of an update, by parameter
}

func newRelax(l *learner) (*relaxAgent, error) {
	p, err := l.newPlayer(l.Env, l.Seed, l.Envs)
	a := &relaxAgent{learner: l, player: p, sums: map[string][]float32{}}
	a.estimates.compile = func(rows int) (*estimate, error) { return l.newEstimate(rows, l.CVObjective, l.Temperature) }
	for _, p := range l.params.All() {
		a.sums[p.Name] = make([]float32, len(p.Data))
	}
	return a, err
}

func (a *relaxAgent) learn(update, step int) (experience, error) {
	episodes, err := a.player.play("train", update, a.Envs, false)
	if err != nil {
		return experience{}, err
	}
	for _, sum := range a.sums {
		clear(sum)
	}
	x := experience{}
	var h, objective, miss float64
	for _, e := range episodes {
		s, err := a.estimate(e, a.entropy.At(step))
		if err != nil {
			return x, err
		}
		for _, p := range a.params.All() {
			sum := a.sums[p.Name]
			for i, g := range s.gradient(p.Name) {
				sum[i] += g / float32(a.Envs)
			}
		}
		h += s.program.Scalar("entropy")
		objective += s.program.Scalar("objective")
		if a.value.name != "" {
			miss += s.program.Scalar("value_loss")
		}
		x.steps += len(e.actions)
		x.episodes = append(x.episodes, e.outcome(a.task.Goal))
	}
	gradient := func(parameter string) []float32 { return a.sums[parameter] }
	if err := a.descend(a.policy, gradient, a.lr, step); err != nil {
		return x, err
	}
	if err := a.descend(a.control, gradient, a.cvLR, step); err != nil {
		return x, err
	}
	x.numbers = []quantity{
		{"entropy", h / float64(x.steps)},
		{"grad_norm", a.optimizers[a.policy.name].Norm()},
		{"cv_loss", objective / float64(a.Envs)},
	}
	if a.value.name != "" {
		x.numbers = append(x.numbers, quantity{"value_loss", miss / float64(x.steps)})
		err = a.descend(a.value, gradient, a.valueLR, step)
	}
	return x, err
}

// estimate computes all gradients for one episode.
func (a *relaxAgent) estimate(e episode, beta float64) (*estimate, error) {
	s, err := a.estimates.fit(len(e.actions))
	if err != nil {
		return nil, err
	}
	g, err := returns.Rollout{Reward: a.scaled(e.rewards)}.Discounted(nil, a.Gamma)
	if err != nil {
		return nil, err
	}
	return s, s.run(e, g, beta)
}

func (a *relaxAgent) gradient(e episode) ([]float32, error) {
	s, err := a.estimate(e, 0)
	if err != nil {
		return nil, err
	}
	return a.flatten(s.gradient, -1/a.Scale), nil
}

// An episode is a function of the seed and of its number: there is nothing to remember.
func (a *relaxAgent) save(*run.Safetensors) error    { return nil }
func (a *relaxAgent) restore(*run.Safetensors) error { return nil }

// estimate is the program for one episode. It gives the gradients, all for descent,
//
//   - of the policy: −ĝ − β·∇Σ_t H(π(·|s_t));
//   - of the control variate: that of its objective;
//   - of the value, if there is one: that of Σ_t (V(s_t) − R_t)².
type estimate struct {
	inputs
	rows, actions int
	action        *program.Input[float32] // [rows, actions], one-hot
	free, given   *program.Input[float32] // Gumbel noise of z and of z̃ [rows, actions]
	advantage     *program.Input[float32] // R_t − V(s_t) [rows]
	target        *program.Input[float32] // R_t [rows]
	weight        *program.Input[float32] // 1 [rows]; 0 behind the last step
	beta          *program.Input[float32]
	program       *program.Program[float32]
}

func (m *model) newEstimate(rows int, objective string, temperature float64) (*estimate, error) {
	s := &estimate{rows: rows, actions: m.space.Actions}
	finite, plain := map[string]*G.Node{}, map[string]*G.Node{}
	g, err := program.Build(func(g *program.Graph[float32]) error {
		b, err := nn.Bind(g, m.params)
		if err != nil {
			return err
		}
		in, layers, logits, err := m.build(g, b, rows)
		if err != nil {
			return err
		}
		s.inputs = in
		for _, in := range []struct {
			to    **program.Input[float32]
			name  string
			shape []int
		}{
			{&s.action, "action", []int{rows, m.space.Actions}},
			{&s.free, "noise", []int{rows, m.space.Actions}},
			{&s.given, "conditional noise", []int{rows, m.space.Actions}},
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
		w, action := s.weight.Node, s.action.Node
		// u, the estimate for the logits, is a function of ℓ, which is cut off from the network: what remains is the
		// product of u, whatever it depends on, with the network's Jacobian.
		ℓ := e.Of(op.StopGradient(logits))
		if err := e.Err(); err != nil {
			return err
		}
		law := relax.Categorical{Logits: ℓ}
		z, _, err := law.Reparameterise(s.free.Node)
		if err != nil {
			return err
		}
		zGiven, err := law.ReparameteriseGiven(action, s.given.Node)
		if err != nil {
			return err
		}
		control := func(z *G.Node) (*G.Node, error) {
			y := e.Of(op.Softmax(e.Of(op.Scale(z, 1/temperature))))
			if err := e.Err(); err != nil {
				return nil, err
			}
			return m.control.scalar(b, s.obs.Node, y)
		}
		c, cGiven := e.Of(control(z)), e.Of(control(zGiven))
		paths := e.Of(op.SumAll(e.Of(op.Mul(w, e.Of(op.Sub(c, cGiven))))))
		rest := e.Of(op.Mul(w, e.Of(op.Sub(s.advantage.Node, cGiven))))
		score := e.Of(op.Sub(action, e.Of(op.Softmax(ℓ))))
		if err := e.Err(); err != nil {
			return err
		}
		reparameterised, err := autodiff.Gradient(paths, ℓ)
		if err != nil {
			return err
		}
		u := e.Of(op.Add(e.Of(op.Mul(e.Of(op.SpreadLast(rest, m.space.Actions)), score)), reparameterised[0]))
		if err := e.Err(); err != nil {
			return err
		}
		theta := m.nodes(m.policy, b)
		estimate, err := m.pull(u, logits, theta)
		if err != nil {
			return err
		}
		h := e.Of(op.SumAll(e.Of(op.Mul(w, e.Of(entropy(logits))))))
		if err := e.Err(); err != nil {
			return err
		}
		bonus, err := autodiff.Gradient(e.Of(op.Mul(s.beta.Node, h)), theta...)
		if err != nil {
			return err
		}
		for i, p := range m.of(m.policy) {
			plain[gradientName(p.Name)] = e.Of(op.Neg(e.Of(op.Add(estimate[i], bonus[i]))))
		}
		var loss *G.Node
		switch objective {
		case CVTotal:
			loss, err = squares(estimate...)
		case CVStep:
			loss, err = m.stepSquares(u, logits, layers)
		case CVLogit:
			loss, err = squares(u)
		default:
			loss, err = op.SumAll(e.Of(op.Mul(w, e.Of(op.Square(e.Of(op.Sub(s.advantage.Node, cGiven)))))))
		}
		if err != nil {
			return err
		}
		tuning, err := autodiff.Gradient(loss, m.nodes(m.control, b)...)
		if err != nil {
			return err
		}
		m.outputs(plain, m.control, tuning)
		finite["objective"], plain["entropy"] = loss, h
		if m.value.name == "" {
			return e.Err()
		}
		v := e.Of(m.value.scalar(b, s.obs.Node, nil))
		miss := e.Of(op.SumAll(e.Of(op.Mul(w, e.Of(op.Square(e.Of(op.Sub(v, s.target.Node))))))))
		if err := e.Err(); err != nil {
			return err
		}
		grads, err := autodiff.Gradient(miss, m.nodes(m.value, b)...)
		if err != nil {
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

// pull takes a gradient u with respect to the logits to nodes below them: Σ_t J_tᵀu_t.
func (m *model) pull(u, logits *G.Node, wrt G.Nodes) (G.Nodes, error) {
	var e op.Expr
	total := e.Of(op.SumAll(e.Of(op.Mul(u, logits))))
	if err := e.Err(); err != nil {
		return nil, err
	}
	return autodiff.Gradient(total, wrt...)
}

// squares is the sum of the squares of all elements.
func squares(list ...*G.Node) (*G.Node, error) {
	var e op.Expr
	var sum *G.Node
	for _, x := range list {
		s := e.Of(op.SumAll(e.Of(op.Square(x))))
		if sum != nil {
			s = e.Of(op.Add(sum, s))
		}
		sum = s
	}
	return e.Node(sum)
}

// stepSquares is Σ_t ‖J_tᵀu_t‖², the squares of the gradients of single steps. That of a dense layer is the outer product
// of its input h and the gradient δ before the activation, and δ for the bias, so its square is ‖δ‖²·(‖h‖² + 1); a layer that
// picks a row has ‖δ‖² alone.
func (m *model) stepSquares(u, logits *G.Node, layers []layer) (*G.Node, error) {
	var outs G.Nodes
	for _, l := range layers {
		outs = append(outs, l.out)
	}
	behind, err := m.pull(u, logits, outs)
	if err != nil {
		return nil, err
	}
	var e op.Expr
	var sum *G.Node
	for i, l := range layers {
		δ := e.Of(op.Mul(behind[i], e.Of(slope(l.activation, l.out))))
		s := e.Of(op.SumLast(e.Of(op.Square(δ))))
		if l.in != nil {
			s = e.Of(op.Mul(s, e.Of(op.Shift(e.Of(op.SumLast(e.Of(op.Square(l.in)))), 1))))
		}
		if sum != nil {
			s = e.Of(op.Add(sum, s))
		}
		sum = s
	}
	return e.Node(e.Of(op.SumAll(sum)))
}

// run computes the gradients for an episode with these returns.
func (s *estimate) run(e episode, g []float64, beta float64) error {
	s.load(e.obs, e.bias)
	oneHot(s.action.Data, e.actions, s.actions)
	clear(s.weight.Data)
	clear(s.advantage.Data)
	clear(s.target.Data)
	for t, r := range g {
		s.weight.Data[t], s.target.Data[t], s.advantage.Data[t] = 1, float32(r), float32(r)
		if e.values != nil {
			s.advantage.Data[t] = float32(r - e.values[t])
		}
	}
	copy(s.free.Data, e.noise)
	noise.Fill(noise.NewSource(e.seed, "conditional"), noise.Gumbel, s.given.Data[:len(e.noise)])
	s.beta.Data[0] = float32(beta)
	return s.program.Run()
}

// gradient is that of a parameter in the last run.
func (s *estimate) gradient(parameter string) []float32 {
	return s.program.Output(gradientName(parameter))
}
