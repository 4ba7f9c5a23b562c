package kernel

// tileGo is the plain Go micro-kernel. Compilers keep few sums in registers, so
// its tile lies in the first-level cache instead: eight rows of B at a time are
// added to each row of C.
func tileGo(rows, cols, depth int, a []float32, rowStride, colStride int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	if !accumulate {
		for i := range rows {
			clear(c[i*ldc : i*ldc+cols])
		}
	}
	p := 0
	for ; p+8 <= depth; p += 8 {
		for i := range rows {
			addScaled8(c[i*ldc:i*ldc+cols], a[i*rowStride+p*colStride:], colStride, b[p*ldb:], ldb)
		}
	}
	for ; p < depth; p++ {
		for i := range rows {
			addScaled(c[i*ldc:i*ldc+cols], a[i*rowStride+p*colStride], b[p*ldb:])
		}
	}
}

// addScaled computes c += a·b.
func addScaled(c []float32, a float32, b []float32) {
	b = b[:len(c)]
	for i := range c {
		c[i] += a * b[i]
	}
}

// addScaled8 computes c += Σ_p a[p·stride]·b[p·ldb:] for p < 8.
func addScaled8(c, a []float32, stride int, b []float32, ldb int) {
	a0, a1, a2, a3 := a[0], a[stride], a[2*stride], a[3*stride]
	a4, a5, a6, a7 := a[4*stride], a[5*stride], a[6*stride], a[7*stride]
	row := func(p int) []float32 { return b[p*ldb:][:len(c)] }
	b0, b1, b2, b3, b4, b5, b6, b7 := row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7)
	for j, sum := range c {
		sum = sum + a0*b0[j] + a1*b1[j] + a2*b2[j] + a3*b3[j]
		c[j] = sum + a4*b4[j] + a5*b5[j] + a6*b6[j] + a7*b7[j]
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
