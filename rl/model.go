package rl

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/nn"
	"relaxgo/internal/op"
	"relaxgo/internal/program"
	"relaxgo/rl/env"
)

// model is what an agent learns: the networks and their parameters. A network without a name is not there.
type model struct {
	space   env.Space
	masked  bool // the policy takes no action that a mask rules out
	params  *nn.Params
	policy  network // logits [rows, actions]
	value   network // V(s) [rows, 1]
	control network // c(s, y) [rows, 1] for a y of the simplex over actions
}

// newModel makes the networks that the agent of a configuration has.
func newModel(p plan) (*model, error) {
	e, err := env.Make(p.Env)
	if err != nil {
		return nil, err
	}
	_, masks := env.As[env.Masker](e)
	m := &model{space: e.Space(), masked: p.Mask && masks, params: nn.NewParams(p.Seed)}
	plain := func(name string, out int) network {
		return network{name: name, space: m.space, hidden: p.Hidden, activation: p.Activation, out: out}
	}
	m.policy = plain("policy", m.space.Actions)
	networks := []network{m.policy}
	if p.Agent == A2C || p.Baseline {
		m.value = plain("value", 1)
		m.value.hidden = p.ValueHidden
		networks = append(networks, m.value)
	}
	if p.Agent == RELAX {
		m.control = plain("control", 1)
		m.control.beside, m.control.hidden = m.space.Actions, p.CVHidden
		networks = append(networks, m.control)
	}
	for _, n := range networks {
		if err := n.add(m.params); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// of lists the parameters of one of the networks.
func (m *model) of(n network) []*nn.Param {
	return slices.DeleteFunc(m.params.All(), func(p *nn.Param) bool { return !n.owns(p.Name) })
}

// nodes are the parameters of a network in a graph, in the order of of.
func (m *model) nodes(n network, b nn.Binding) G.Nodes {
	var list G.Nodes
	for _, p := range m.of(n) {
		list = append(list, b[p.Name])
	}
	return list
}

func (n network) owns(parameter string) bool {
	return n.name != "" && len(parameter) > len(n.name) && parameter[:len(n.name)+1] == n.name+"."
}

// forbidden is added to the logits of actions that a mask rules out. Their probability is exactly 0 then, and no noise
// makes them the largest.
const forbidden = -1e9

// inputs are those of a graph over rows of experience.
type inputs struct {
	obs  *program.Input[float32] // [rows, size], or [rows] of state numbers
	bias *program.Input[float32] // [rows, actions]: 0, or forbidden; nil if no mask is in force
}

// load sets the first rows to those given and leaves what is behind them as it is: finite numbers of an earlier batch, or
// zeros, whose weight must be 0.
func (in inputs) load(obs, bias []float32) {
	copy(in.obs.Data, obs)
	if in.bias != nil {
		copy(in.bias.Data, bias)
	}
}

// build adds the policy to a graph, with inputs for that many rows: its layers, and its logits with the mask.
func (m *model) build(g *program.Graph[float32], b nn.Binding, rows int) (in inputs, layers []layer, logits *G.Node, err error) {
	if in.obs, err = observations(g, m.space, rows); err != nil {
		return
	}
	if layers, err = m.policy.build(b, in.obs.Node, nil); err != nil {
		return
	}
	logits = layers[len(layers)-1].out
	if m.masked {
		if in.bias, err = g.Input("mask", rows, m.space.Actions); err != nil {
			return
		}
		logits, err = op.Add(logits, in.bias.Node)
	}
	return
}

// entropy is that of the policy: −Σ_a π log π, [rows]. What a mask rules out adds nothing.
func entropy(logits *G.Node) (*G.Node, error) {
	var e op.Expr
	return e.Node(e.Of(op.Neg(e.Of(op.SumLast(e.Of(op.Mul(e.Of(op.Softmax(logits)), e.Of(op.LogSoftmax(logits)))))))))
}

// actor runs the policy, and the value if there is one, on a fixed number of observations side by side.
type actor struct {
	inputs
	rows, actions int
	program       *program.Program[float32]
	z             []float32 // scratch: logits and noise of one row
}

func (m *model) newActor(rows int) (*actor, error) {
	a := &actor{rows: rows, actions: m.space.Actions, z: make([]float32, m.space.Actions)}
	outs := map[string]*G.Node{}
	g, err := program.Build(func(g *program.Graph[float32]) error {
		b, err := nn.Bind(g, m.params)
		if err != nil {
			return err
		}
		if a.inputs, _, outs["logits"], err = m.build(g, b, rows); err != nil {
			return err
		}
		if m.value.name != "" {
			outs["value"], err = m.value.scalar(b, a.obs.Node, nil)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	a.program, err = program.Compile(g, program.Outputs{Finite: outs})
	return a, err
}

// run computes logits and values for what the inputs hold.
func (a *actor) run() error { return a.program.Run() }

func (a *actor) value(row int) float64 { return float64(a.program.Output("value")[row]) }

func (a *actor) logits(row int) []float32 {
	return a.program.Output("logits")[row*a.actions : (row+1)*a.actions]
}

// greedy is the most probable action of a row, the first of equals.
func (a *actor) greedy(row int) int { return argmax(a.logits(row)) }

// sample is an action drawn from the policy of a row by Gumbel noise.
func (a *actor) sample(row int, gumbel []float32) int {
	for i, l := range a.logits(row) {
		a.z[i] = l + gumbel[i]
	}
	return argmax(a.z)
}

// setMask writes a row of the mask's input.
func (a *actor) setMask(row int, mask []bool) {
	if a.bias != nil {
		writeBias(a.bias.Data[row*a.actions:(row+1)*a.actions], mask)
	}
}

func writeBias(dst []float32, mask []bool) {
	for i, ok := range mask {
		dst[i] = 0
		if !ok {
			dst[i] = forbidden
		}
	}
}

func argmax(x []float32) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

// gradientName is the output of a program that holds the gradient of a parameter.
func gradientName(parameter string) string { return "d/" + parameter }

// outputs names gradients after their parameters.
func (m *model) outputs(outs map[string]*G.Node, n network, grads G.Nodes) {
	for i, p := range m.of(n) {
		outs[gradientName(p.Name)] = grads[i]
	}
}

// programs are those of one kind for batches of different sizes: powers of two, compiled when they are first needed.
type programs[P any] struct {
	compile func(rows int) (P, error)
	bySize  map[int]P
}

const smallestProgram = 32

// fit is the smallest program for that many rows.
func (p *programs[P]) fit(rows int) (P, error) {
	size := smallestProgram
	for size < rows {
		size *= 2
	}
	if found, ok := p.bySize[size]; ok {
		return found, nil
	}
	made, err := p.compile(size)
	if err != nil {
		return made, fmt.Errorf("program for %d steps: %w", size, err)
	}
	if p.bySize == nil {
		p.bySize = make(map[int]P)
	}
	p.bySize[size] = made
	return made, nil
}
