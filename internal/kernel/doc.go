// Package kernel holds the inner loops of relaxgo: the float32 matrix product
// and the element-wise, row-wise and optimiser loops around it.
//
// Each loop exists once in plain Go and, on amd64, once in SSE2, which every
// amd64 has, once in AVX2 with FMA and once in AVX-512. The best form the
// processor supports is chosen when the program starts; [Level] tells which. The
// environment variable RELAXGO_KERNEL=go|sse2|avx2|avx512 asks for a lower one.
// The assembly is written by the generator in the nested module asm.
//
// Guarantees, at every level:
//
//   - Nothing depends on the number of cores. Element-wise results do not
//     depend on where a slice is cut, and reductions add in an order given by
//     the length alone.
//   - Exp, Log, Log1p, Sigmoid, Softplus and Tanh err by at most 3 units in the
//     last place over the whole float32 range, denormal results included. NaN
//     gives NaN; infinities and zeros give the mathematical limits.
//   - Slices are never read or written beyond the stated lengths.
//
// Levels agree within these bounds, not bit for bit.
//
// Lengths that do not fit are mistakes of the calling code and panic, as an
// index out of range does. Only Gemm and Parallel use more than one core.
package kernel
