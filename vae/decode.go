package vae

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/nn"
	"relaxgo/internal/op"
	"relaxgo/internal/program"
)

// decoder is the graph that turns n codes into images.
type decoder struct {
	code []float32 // [n, code]
	mean *program.Program[float32]
}

func (m *model) decoder(n int) (*decoder, error) {
	d := &decoder{}
	var mean *G.Node
	g, err := program.Build(func(g *program.Graph[float32]) error {
		w, err := nn.Bind(g, m.params)
		if err != nil {
			return err
		}
		code, err := g.Input("code", n, m.codeSize())
		if err != nil {
			return err
		}
		d.code = code.Data
		logits, err := m.network(w, decoderName, 0, code.Node)
		if err != nil {
			return err
		}
		mean, err = op.Sigmoid(logits)
		return err
	})
	if err == nil {
		d.mean, err = program.Compile(g, program.Outputs{Plain: map[string]*G.Node{outMean: mean}})
	}
	if err != nil {
		return nil, fmt.Errorf("vae: %w", err)
	}
	return d, nil
}

// imagination is the graph that draws n codes from the prior.
type imagination struct {
	noise []noiseInput
	code  *program.Program[float32]
}

func (m *model) imagination(n int) (*imagination, error) {
	i := &imagination{}
	var code *G.Node
	g, err := program.Build(func(g *program.Graph[float32]) error {
		w, err := nn.Bind(g, m.params)
		if err != nil {
			return err
		}
		top := m.at(m.top())
		head, err := g.Input("head", n, top.headSize()) // stays zero: the prior does not depend on it
		if err != nil {
			return err
		}
		_, p, err := m.laws(w, m.top(), head.Node, nil)
		if err != nil {
			return err
		}
		from := p.Discrete()
		for l := m.top(); ; l-- {
			x, inputs, err := draw(g, fmt.Sprint("noise.", l), nil, nil, from)
			if err != nil {
				return err
			}
			i.noise = append(i.noise, inputs...)
			if code, err = flat(x.draw.Hard); err != nil || l == 0 {
				return err
			}
			output, err := m.network(w, decoderName, l, code)
			if err != nil {
				return err
			}
			if from, err = m.generated(l-1, output); err != nil {
				return err
			}
		}
	})
	if err == nil {
		i.code, err = program.Compile(g, program.Outputs{Plain: map[string]*G.Node{outCode: code}})
	}
	if err != nil {
		return nil, fmt.Errorf("vae: %w", err)
	}
	return i, nil
}

// weigher is the graph that draws discrete codes for n rows and weighs them: the summands of the importance-weighted
// bound.
type weigher struct {
	x, head []float32 // [n, pixels] and [n, head], the images and the encoder's outputs for them
	noise   []noiseInput
	ratio   *program.Program[float32]
}

func (m *model) weigher(n int) (*weigher, error) {
	s := &weigher{}
	var ratio *G.Node
	g, err := program.Build(func(g *program.Graph[float32]) error {
		w, err := nn.Bind(g, m.params)
		if err != nil {
			return err
		}
		x, err := g.Input("x", n, m.pixels)
		if err != nil {
			return err
		}
		head, err := g.Input("head", n, m.headSize())
		if err != nil {
			return err
		}
		s.x, s.head = x.Data, head.Data
		explain := func(output *G.Node) (*G.Node, error) { return op.BernoulliNLL(output, x.Node) }
		var e op.Expr
		outputs := head.Node
		for l := range m.layers {
			q, p, err := m.laws(w, l, outputs, nil)
			if err != nil {
				return err
			}
			z, inputs, err := draw(g, fmt.Sprint("noise.", l), q, p, q.Discrete())
			if err != nil {
				return err
			}
			s.noise = append(s.noise, inputs...)
			code := e.Of(flat(z.draw.Hard))
			term := e.Of(op.Neg(e.Of(explain(e.Of(m.network(w, decoderName, l, code))))))
			if l == m.top() {
				term = e.Of(op.Add(term, e.Of(m.logRatio(z))))
			} else {
				term = e.Of(op.Sub(term, e.Of(q.Discrete().LogProb(z.draw))))
				outputs = e.Of(m.network(w, encoderName, l+1, code))
				explain = func(output *G.Node) (*G.Node, error) { return m.belowNLL(l, output, code) }
			}
			if l == 0 {
				ratio = term
			} else {
				ratio = e.Of(op.Add(ratio, term))
			}
			if e.Err() != nil {
				return e.Err()
			}
		}
		return nil
	})
	if err == nil {
		s.ratio, err = program.Compile(g, program.Outputs{Finite: map[string]*G.Node{outRatio: ratio}})
	}
	if err != nil {
		return nil, fmt.Errorf("vae: %w", err)
	}
	return s, nil
}
