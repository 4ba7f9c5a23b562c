package kernel

import "golang.org/x/sys/cpu"

//go:generate go run -C asm . -out ../loops_amd64.s -stubs ../loops_amd64.go -pkg kernel

// simd lists the vector implementations that the processor and the operating
// system support, from the slowest to the fastest. Every amd64 has SSE2.
func simd() []*loops {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA || !x.HasBMI2:
		return []*loops{&loopsSSE2}
	case !x.HasAVX512F || !x.HasAVX512DQ || !x.HasAVX512BW || !x.HasAVX512VL:
		return []*loops{&loopsSSE2, &loopsAVX2}
	}
	return []*loops{&loopsSSE2, &loopsAVX2, &loopsAVX512}
}

var loopsSSE2 = loops{
	level:    "sse2",
	tileRows: 6, tileCols: 8,
	tile: func(rows, cols, depth int, a []float32, rowStride, colStride int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
		for cols > 0 {
			part := 1
			if cols >= 4 {
				part = cols &^ 3
			}
			tileSSE2(rows, part, depth, a, rowStride, colStride, b, ldb, c, ldc, accumulate)
			b, c, cols = b[part:], c[part:], cols-part
		}
	},
	transpose: inBlocks(4, transposeSSE2),

	exp: expSSE2, log: logSSE2, log1p: log1pSSE2,
	sigmoid: sigmoidSSE2, softplus: softplusSSE2, tanh: tanhSSE2,

	mul: mulSSE2, add: addSSE2, scale: scaleSSE2,
	fromBytes: func(dst []float32, src []byte) {
		whole := len(dst) &^ 3
		fromBytesSSE2(dst[:whole], src[:whole])
		fromBytesGo(dst[whole:], src[whole:])
	},
	sum: sumSSE2, sumSquares: sumSquaresSSE2, max: maxSSE2,
	expShifted: expShiftedSSE2, sumExp: sumExpSSE2,
	bernoulliNLL: bernoulliNLLSSE2, bernoulliNLLGrad: bernoulliNLLGradSSE2,

	biasActivate: [activations]func(y, bias []float32){
		ActIdentity: biasIdentitySSE2, ActReLU: biasReLUSSE2, ActTanh: biasTanhSSE2,
		ActLeakyReLU: biasLeakyReLUSSE2, ActSoftplus: biasSoftplusSSE2, ActSigmoid: biasSigmoidSSE2,
	},
	activateGrad: [activations]func(dst, y, g []float32){
		ActIdentity: gradIdentityGo, ActReLU: gradReLUSSE2, ActTanh: gradTanhSSE2,
		ActLeakyReLU: gradLeakyReLUSSE2, ActSoftplus: gradSoftplusSSE2, ActSigmoid: gradSigmoidSSE2,
	},
	adam: adamSSE2,
}

var loopsAVX2 = loops{
	level:    "avx2",
	tileRows: 6, tileCols: 16,
	tile:      tileAVX2,
	transpose: inBlocks(8, transposeAVX2),

	exp: expAVX2, log: logAVX2, log1p: log1pAVX2,
	sigmoid: sigmoidAVX2, softplus: softplusAVX2, tanh: tanhAVX2,

	mul: mulAVX2, add: addAVX2, scale: scaleAVX2,
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
	transpose: inBlocks(8, transposeAVX2),

	exp: expAVX512, log: logAVX512, log1p: log1pAVX512,
	sigmoid: sigmoidAVX512, softplus: softplusAVX512, tanh: tanhAVX512,

	mul: mulAVX512, add: addAVX512, scale: scaleAVX512,
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

type transposeFunc func(dst []float32, ldd int, src []float32, lds, rows, cols int)

// inBlocks leaves rows and columns that fill no block of f to plain Go.
func inBlocks(block int, f transposeFunc) transposeFunc {
	return func(dst []float32, ldd int, src []float32, lds, rows, cols int) {
		whole, wide := rows-rows%block, cols-cols%block
		f(dst, ldd, src, lds, whole, wide)
		if whole < rows {
			transposeGo(dst[whole:], ldd, src[whole*lds:], lds, rows-whole, wide)
		}
		if wide < cols {
			transposeGo(dst[wide*ldd:], ldd, src[wide:], lds, rows, cols-wide)
		}
	}
}
