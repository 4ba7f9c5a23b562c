package kernel

import "golang.org/x/sys/cpu"

//go:generate go run -C asm . -out ../loops_amd64.s -stubs ../loops_amd64.go -pkg kernel

// simd lists the vector implementations that the processor and the operating
// system support, from the slowest to the fastest.
func simd() []*loops {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA || !x.HasBMI2:
		return nil
	case !x.HasAVX512F || !x.HasAVX512DQ || !x.HasAVX512BW || !x.HasAVX512VL:
		return []*loops{&loopsAVX2}
	}
	return []*loops{&loopsAVX2, &loopsAVX512}
}

var loopsAVX2 = loops{
	level:    "avx2",
	tileRows: 6, tileCols: 16,
	tile:      tileAVX2,
	transpose: transposeSIMD,

	exp: expAVX2, log: logAVX2, log1p: log1pAVX2,
	sigmoid: sigmoidAVX2, softplus: softplusAVX2, tanh: tanhAVX2,

	mul: mulAVX2, add: addAVX2, scale: scaleAVX2, addScaled: addScaledAVX2,
	fromBytes: func(dst []float32, src []byte) {
		whole := len(dst) &^ 7
		fromBytesAVX2(dst[:whole], src[:whole])
		fromBytesGo(dst[whole:], src[whole:])
	},
	sum: sumAVX2, sumSquares: sumSquaresAVX2, max: maxAVX2,
	expShifted: expShiftedAVX2, sumExp: sumExpAVX2,
	bernoulliNLL: bernoulliNLLAVX2, bernoulliNLLGrad: bernoulliNLLGradAVX2,

	biasActivate: [activations]func(y, bias []float32){
		ActIdentity: biasIdentityAVX2, ActReLU: biasReLUAVX2, ActTanh: biasTanhAVX2,
		ActLeakyReLU: biasLeakyReLUAVX2, ActSoftplus: biasSoftplusAVX2, ActSigmoid: biasSigmoidAVX2,
	},
	activateGrad: [activations]func(dst, y, g []float32){
		ActIdentity: gradIdentityGo, ActReLU: gradReLUAVX2, ActTanh: gradTanhAVX2,
		ActLeakyReLU: gradLeakyReLUAVX2, ActSoftplus: gradSoftplusAVX2, ActSigmoid: gradSigmoidAVX2,
	},
	adam: adamAVX2,
}

var loopsAVX512 = loops{
	level:    "avx512",
	tileRows: 12, tileCols: 32,
	tile:      tileAVX512,
	transpose: transposeSIMD,

	exp: expAVX512, log: logAVX512, log1p: log1pAVX512,
	sigmoid: sigmoidAVX512, softplus: softplusAVX512, tanh: tanhAVX512,

	mul: mulAVX512, add: addAVX512, scale: scaleAVX512, addScaled: addScaledAVX512,
	fromBytes: func(dst []float32, src []byte) {
		whole := len(dst) &^ 15
		fromBytesAVX512(dst[:whole], src[:whole])
		fromBytesGo(dst[whole:], src[whole:])
	},
	sum: sumAVX512, sumSquares: sumSquaresAVX512, max: maxAVX512,
	expShifted: expShiftedAVX512, sumExp: sumExpAVX512,
	bernoulliNLL: bernoulliNLLAVX512, bernoulliNLLGrad: bernoulliNLLGradAVX512,

	biasActivate: [activations]func(y, bias []float32){
		ActIdentity: biasIdentityAVX512, ActReLU: biasReLUAVX512, ActTanh: biasTanhAVX512,
		ActLeakyReLU: biasLeakyReLUAVX512, ActSoftplus: biasSoftplusAVX512, ActSigmoid: biasSigmoidAVX512,
	},
	activateGrad: [activations]func(dst, y, g []float32){
		ActIdentity: gradIdentityGo, ActReLU: gradReLUAVX512, ActTanh: gradTanhAVX512,
		ActLeakyReLU: gradLeakyReLUAVX512, ActSoftplus: gradSoftplusAVX512, ActSigmoid: gradSigmoidAVX512,
	},
	adam: adamAVX512,
}

// transposeSIMD leaves what is no multiple of eight to plain Go.
func transposeSIMD(dst []float32, ldd int, src []float32, lds, rows, cols int) {
	rows8, cols8 := rows&^7, cols&^7
	transpose8(dst, ldd, src, lds, rows8, cols8)
	if rows8 < rows {
		transposeGo(dst[rows8:], ldd, src[rows8*lds:], lds, rows-rows8, cols8)
	}
	if cols8 < cols {
		transposeGo(dst[cols8*ldd:], ldd, src[cols8:], lds, rows, cols-cols8)
	}
}
