package kernel

import "os"

// loops is one implementation of every inner loop. The exported functions check
// lengths and cut work; the loops trust them.
type loops struct {
	level string

	// tileRows and tileCols are the largest tile that the micro-kernel computes.
	tileRows, tileCols int
	tile               tileFunc
	transpose          func(dst []float32, ldd int, src []float32, lds, rows, cols int)

	exp, log, log1p, sigmoid, softplus, tanh func(dst, x []float32)

	mul, add  func(dst, a, b []float32)
	scale     func(dst []float32, alpha float32)
	fromBytes func(dst []float32, src []byte)

	sum        func(x []float32) float32
	sumSquares func(x []float32) float64
	max        func(x []float32) float32
	expShifted func(dst, x []float32, shift float32) float32
	sumExp     func(x []float32, shift float32) float32

	bernoulliNLL     func(l, t []float32) float32
	bernoulliNLLGrad func(dst, l, t []float32, g float32)

	biasActivate [activations]func(y, bias []float32)
	activateGrad [activations]func(dst, y, g []float32)

	adam func(w, g, m, v []float32, scale, beta1, gain1, beta2, gain2, keep, step, c2, eps float32)
}

// use is the implementation in force. Only tests change it after the start.
var use = choose(os.Getenv("RELAXGO_KERNEL"))

// Level names the implementation in force: "go", "sse2", "avx2" or "avx512".
func Level() string { return use.level }

// levels lists what this processor supports, from the slowest to the fastest.
func levels() []*loops { return append([]*loops{&plain}, simd()...) }

// choose returns the fastest supported level that is not above the one asked
// for. A name that is no level asks for the fastest.
func choose(asked string) *loops {
	rank := map[string]int{"go": 0, "sse2": 1, "avx2": 2, "avx512": 3}
	limit, known := rank[asked]
	if !known {
		limit = rank["avx512"]
	}
	best := &plain
	for _, l := range levels() {
		if rank[l.level] <= limit {
			best = l
		}
	}
	return best
}

var plain = loops{
	level:    "go",
	tileRows: 16, tileCols: 64,
	tile:      tileGo,
	transpose: transposeGo,

	exp: expGo, log: logGo, log1p: log1pGo, sigmoid: sigmoidGo, softplus: softplusGo, tanh: tanhGo,

	mul: mulGo, add: addGo, scale: scaleGo, fromBytes: fromBytesGo,
	sum: sumGo, sumSquares: sumSquaresGo, max: maxGo, expShifted: expShiftedGo, sumExp: sumExpGo,
	bernoulliNLL: bernoulliNLLGo, bernoulliNLLGrad: bernoulliNLLGradGo,

	biasActivate: [activations]func(y, bias []float32){
		ActIdentity: biasIdentityGo, ActReLU: biasReLUGo, ActTanh: biasTanhGo,
		ActLeakyReLU: biasLeakyReLUGo, ActSoftplus: biasSoftplusGo, ActSigmoid: biasSigmoidGo,
	},
	activateGrad: [activations]func(dst, y, g []float32){
		ActIdentity: gradIdentityGo, ActReLU: gradReLUGo, ActTanh: gradTanhGo,
		ActLeakyReLU: gradLeakyReLUGo, ActSoftplus: gradSoftplusGo, ActSigmoid: gradSigmoidGo,
	},
	adam: adamGo,
}
