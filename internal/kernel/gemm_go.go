package kernel

// tileGo is the plain Go micro-kernel. Compilers keep few sums in registers, so
// its tile lies in the first-level cache instead: four rows of B at a time are
// added to each row of C.
func tileGo(rows, cols, depth int, a []float32, rowStride, colStride int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	if !accumulate {
		for i := range rows {
			clear(c[i*ldc : i*ldc+cols])
		}
	}
	p := 0
	for ; p+4 <= depth; p += 4 {
		b0, b1, b2, b3 := b[p*ldb:], b[(p+1)*ldb:], b[(p+2)*ldb:], b[(p+3)*ldb:]
		for i := range rows {
			at := i*rowStride + p*colStride
			addScaled4(c[i*ldc:i*ldc+cols], a[at], a[at+colStride], a[at+2*colStride], a[at+3*colStride], b0, b1, b2, b3)
		}
	}
	for ; p < depth; p++ {
		for i := range rows {
			addScaledGo(c[i*ldc:i*ldc+cols], a[i*rowStride+p*colStride], b[p*ldb:])
		}
	}
}

// addScaled4 computes c += a0·b0 + a1·b1 + a2·b2 + a3·b3.
func addScaled4(c []float32, a0, a1, a2, a3 float32, b0, b1, b2, b3 []float32) {
	b0, b1, b2, b3 = b0[:len(c)], b1[:len(c)], b2[:len(c)], b3[:len(c)]
	for j := range c {
		c[j] = c[j] + a0*b0[j] + a1*b1[j] + a2*b2[j] + a3*b3[j]
	}
}

// transposeGo writes dst[j·ldd+i] = src[i·lds+j] for i < rows and j < cols.
func transposeGo(dst []float32, ldd int, src []float32, lds, rows, cols int) {
	for i := range rows {
		for j, v := range src[i*lds : i*lds+cols] {
			dst[j*ldd+i] = v
		}
	}
}
