// Command asm writes the SSE2, AVX2 and AVX-512 forms of the loops of package
// kernel as Go assembly. It is a module of its own, so that relaxgo itself does
// not depend on the assembler. Run it with go generate in the kernel's folder.
package main

import (
	"github.com/mmcloughlin/avo/build"
)

func main() {
	build.ConstraintExpr("amd64")
	transpose(sse2)
	transpose(avx2)
	for _, s := range []isa{sse2, avx2, avx512} {
		tile(s)
		arithmetic(s)
		reductions(s)
		functions(s)
		losses(s)
		activationLoops(s)
		adam(s)
	}
	build.Generate()
}
