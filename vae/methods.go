package vae

import (
	"slices"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/nn"
	"relaxgo/internal/op"
	"relaxgo/relax"
	"relaxgo/relax/estimator"
)

// Codes is the kind of discrete code that a method trains through.
type Codes string

// Kinds of codes, with Config.Latent variables each.
const (
	Bits    Codes = "bits"    // zeros and ones
	OneHot  Codes = "one-hot" // vectors of Config.Classes classes, one of them 1
	Counts  Codes = "counts"  // 0, 1, 2, …
	Subsets Codes = "subsets" // bits of which exactly Config.Subset are 1
)

// Method is one way to train through a discrete latent code: a value of the -relax flag. Everything that differs
// between methods is here; the model, the loss, the training loop and the evaluation are the same for all.
type Method struct {
	Name    string
	Summary string // half a sentence for tables and help
	Source  string // where the method comes from
	Codes   Codes  // by default

	// Temperature is the default of Config.Temperature, empty for a method without one.
	Temperature string
	// Caveat says what stands in the way of a good bound with exactly discrete codes; empty if nothing does.
	Caveat string

	// options are the keys of Config that this method alone, or few, take.
	options []string
	// event is the shape of the encoder's outputs for one image; nil: that of the code.
	event func(p plan) []int
	// learn adds the method's own parameters; nil: there are none.
	learn func(p plan, params *nn.Params) error
	// estimator estimates the gradient of what depends on the sample; nil: it is that of the sample itself.
	estimator func(p plan) estimator.Estimator
	// samples is the default of Config.Samples for an estimator that takes it.
	samples int
	// cvlr is the default of Config.CVLR for an estimator that learns something.
	cvlr string
	// posterior is the distribution that training samples from.
	posterior func(s scope) (relax.Relaxation, error)
	// prior is the prior, from what stands in place of encoder outputs: zeros, or learned ones; nil: as posterior.
	prior func(s scope) (relax.Relaxation, error)
	// discreteKL is the divergence of exactly discrete samples, per row; nil: KL of the Discrete laws.
	discreteKL func(x sample) (*G.Node, error)
	// relaxedKL is the divergence between posterior and prior as they are sampled in training, per row; nil if the
	// samples are discrete, or the divergence is that of the relaxed ones anyhow.
	relaxedKL func(x sample) (*G.Node, error)
	// trainRelaxed makes relaxedKL the default in training: where samples are so soft that the discrete divergence
	// would leave most of what they carry uncounted.
	trainRelaxed bool
	// logRatio is log p(b) − log q(b|x) of a sample of the Discrete laws, for importance weights; nil: by LogProb.
	logRatio func(x sample) (*G.Node, error)
}

// scope is what a method makes its distributions of.
type scope struct {
	plan
	head        *G.Node    // [B, event…], the encoder's outputs
	temperature *G.Node    // scalar; nil: the method has none, or none is needed
	weights     nn.Binding // the method's own parameters
}

// sample is a draw from the posterior with what it was drawn from.
type sample struct {
	q, p relax.Relaxation
	draw relax.Draw
	eps  []*G.Node
}

// Methods lists all methods, in the order in which tables show them.
func Methods() []Method {
	return slices.Concat(bitMethods(), oneHotMethods(), countMethods(), subsetMethods(), estimatorMethods())
}

// MethodNames lists the names of all methods.
func MethodNames() []string {
	var names []string
	for _, m := range Methods() {
		names = append(names, m.Name)
	}
	return names
}

// method finds a method by name.
func method(name string) (Method, bool) {
	for _, m := range Methods() {
		if m.Name == name {
			return m, true
		}
	}
	return Method{}, false
}

// Takes tells whether the method takes the option of that key, one of OptionKeys; "kl" means more than one divergence.
func (m Method) Takes(key string) bool {
	switch key {
	case "temperature":
		return m.Temperature != ""
	case "kl":
		return m.relaxedKL != nil
	}
	return slices.Contains(m.options, key)
}

// Family is what a method belongs to where methods are compared: the kind of its code, or the estimators.
func (m Method) Family() string {
	if m.estimator != nil {
		return "estimators"
	}
	return string(m.Codes)
}

// code is the shape of the decoder's input for one image.
func (p plan) code() []int {
	if p.codes == OneHot {
		return []int{p.Latent, p.Classes}
	}
	return []int{p.Latent}
}

// event is the shape of the encoder's outputs for one image.
func (p plan) event() []int {
	if p.method.event != nil {
		return p.method.event(p)
	}
	return p.code()
}

func (p plan) codeSize() int { return product(p.code()) }
func (p plan) headSize() int { return product(p.event()) }

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// discreteKL is the divergence between the exactly discrete posterior and prior, per row.
func (p plan) discreteKL(x sample) (*G.Node, error) {
	if p.method.discreteKL != nil {
		return p.method.discreteKL(x)
	}
	return relax.KL(x.q.Discrete(), x.p.Discrete())
}

// logRatio is log p(b) − log q(b|x) of a sample whose q and p are discrete, per row.
func (p plan) logRatio(x sample) (*G.Node, error) {
	if p.method.logRatio != nil {
		return p.method.logRatio(x)
	}
	var e op.Expr
	return e.Node(e.Of(op.Sub(e.Of(x.p.Discrete().LogProb(x.draw)), e.Of(x.q.Discrete().LogProb(x.draw)))))
}
