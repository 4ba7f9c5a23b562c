package kernel

import "sync"

// Activation is the function at the end of a dense layer.
type Activation uint8

// The activations. Each one's derivative is a function of its output y, so that
// the backward pass need not keep the input.
const (
	ActIdentity  Activation = iota // x
	ActReLU                        // max(x, 0); derivative 1 where y > 0, else 0
	ActTanh                        // tanh x; derivative 1 − y²
	ActLeakyReLU                   // x where x > 0, else LeakySlope·x; derivative 1 or LeakySlope
	ActSoftplus                    // ln(1 + e^x); derivative 1 − e^(−y)
	ActSigmoid                     // 1/(1 + e^(−x)); derivative y·(1 − y)
	activations
)

// LeakySlope is the slope of ActLeakyReLU for negative inputs.
const LeakySlope = 0.3

// BiasActivate computes y[r,c] = act(y[r,c] + bias[c]) in place for a row-major
// rows×cols matrix. A nil bias counts as zero.
func BiasActivate(act Activation, y []float32, rows, cols int, bias []float32) {
	y = y[:rows*cols]
	activate := use.biasActivate[act]
	if bias == nil {
		for ; len(y) > len(zeros); y = y[len(zeros):] {
			activate(y[:len(zeros)], zeros[:])
		}
		activate(y, zeros[:len(y)])
		return
	}
	if len(y) == 0 {
		return
	}
	bias = bias[:cols]
	if 2*cols > len(repeated{}) {
		for ; len(y) > 0; y = y[cols:] {
			activate(y[:cols], bias)
		}
		return
	}
	// Short rows are taken many at a time, beside as many copies of the bias.
	r := repeats.Get().(*repeated)
	n := min(len(r)/cols, rows) * cols
	for i := 0; i < n; i += cols {
		copy(r[i:n], bias)
	}
	for ; len(y) > n; y = y[n:] {
		activate(y[:n], r[:n])
	}
	activate(y, r[:len(y)])
	repeats.Put(r)
}

// repeated holds copies of a bias, one behind the other.
type repeated [1024]float32

var repeats = sync.Pool{New: func() any { return new(repeated) }}

var zeros [4096]float32

// ActivateGrad computes dst[i] = g[i]·act'(x[i]) from the output y = act(x). The
// slices have equal length; dst may be y or g.
func ActivateGrad(act Activation, dst, y, g []float32) {
	use.activateGrad[act](dst, y[:len(dst)], g[:len(dst)])
}

func biasIdentityGo(y, bias []float32) {
	for i, b := range bias {
		y[i] += b
	}
}

func biasReLUGo(y, bias []float32) {
	for i, b := range bias {
		y[i] = max(y[i]+b, 0)
	}
}

func biasTanhGo(y, bias []float32) {
	for i, b := range bias {
		y[i] = tanh(y[i] + b)
	}
}

func biasLeakyReLUGo(y, bias []float32) {
	for i, b := range bias {
		x := y[i] + b
		y[i] = max(x, LeakySlope*x)
	}
}

func biasSoftplusGo(y, bias []float32) {
	for i, b := range bias {
		y[i] = softplus(y[i] + b)
	}
}

func biasSigmoidGo(y, bias []float32) {
	for i, b := range bias {
		y[i] = sigmoid(y[i] + b)
	}
}

func gradIdentityGo(dst, _, g []float32) { copy(dst, g) }

func gradReLUGo(dst, y, g []float32) {
	for i, v := range y {
		if v > 0 {
			dst[i] = g[i]
		} else {
			dst[i] = 0
		}
	}
}

func gradTanhGo(dst, y, g []float32) {
	for i, v := range y {
		dst[i] = g[i] * (1 - v*v)
	}
}

func gradLeakyReLUGo(dst, y, g []float32) {
	for i, v := range y {
		if v > 0 {
			dst[i] = g[i]
		} else {
			dst[i] = LeakySlope * g[i]
		}
	}
}

func gradSoftplusGo(dst, y, g []float32) {
	for i, v := range y {
		dst[i] = g[i] * float32(-expm1(-float64(v)))
	}
}

func gradSigmoidGo(dst, y, g []float32) {
	for i, v := range y {
		dst[i] = g[i] * (v * (1 - v))
	}
}
