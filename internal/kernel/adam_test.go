package kernel

import (
	"math"
	"slices"
	"testing"
)

// adamRef is the update in float64, as its authors write it.
func adamRef(w, g, m, v float64, a AdamArgs) (float64, float64, float64) {
	g *= float64(a.GradScale)
	m = float64(a.Beta1)*m + (1-float64(a.Beta1))*g
	v = float64(a.Beta2)*v + (1-float64(a.Beta2))*g*g
	lr := float64(a.LR)
	w = w - lr*float64(a.WeightDecay)*w - lr*(m*float64(a.C1))/(math.Sqrt(v*float64(a.C2))+float64(a.Eps))
	return w, m, v
}

func TestAdam(t *testing.T) {
	atEachLevel(t, func(t *testing.T) {
		r := newRand(9)
		for n := range 150 {
			w, g, m, v := normals(r, n+1), normals(r, n+1), normals(r, n+1), normals(r, n+1)
			for i := range v {
				v[i] *= v[i]
			}
			a := AdamArgs{LR: 1e-2, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, C1: 1.7, C2: 3, WeightDecay: 0.1, GradScale: 0.5}
			w0, m0, v0, g0 := slices.Clone(w), slices.Clone(m), slices.Clone(v), slices.Clone(g)
			Adam(w[:n], g[:n], m[:n], v[:n], a)
			sameBits(t, "gradient", g, g0)
			if w[n] != w0[n] || m[n] != m0[n] || v[n] != v0[n] {
				t.Fatalf("changed the element behind %d", n)
			}
			for i := range n {
				wantW, wantM, wantV := adamRef(float64(w0[i]), float64(g[i]), float64(m0[i]), float64(v0[i]), a)
				// Each quantity takes at most eight roundings of its largest term.
				const eps = 8 * 0x1p-24
				step := math.Abs(wantW - float64(w0[i]))
				within(t, "weight", i, float64(w[i]), wantW, eps*(math.Abs(float64(w0[i]))+step))
				within(t, "first moment", i, float64(m[i]), wantM, eps*(math.Abs(float64(m0[i]))+math.Abs(float64(g[i]))))
				within(t, "second moment", i, float64(v[i]), wantV, eps*wantV)
			}
			cw, cm, cv := slices.Clone(w0), slices.Clone(m0), slices.Clone(v0)
			for i := 0; i < n; i += 64 {
				end := min(i+64, n)
				Adam(cw[i:end], g[i:end], cm[i:end], cv[i:end], a)
			}
			sameBits(t, "weights in pieces of 64", cw, w)
		}
	})
}

// TestAdamFirstStep is by hand: at the first step with bias correction the
// weight moves by the learning rate against the sign of the gradient.
func TestAdamFirstStep(t *testing.T) {
	atEachLevel(t, func(t *testing.T) {
		w, g, m, v := []float32{1, 1}, []float32{4, -0.25}, []float32{0, 0}, []float32{0, 0}
		Adam(w, g, m, v, AdamArgs{LR: 0.125, Beta1: 0.5, Beta2: 0.75, Eps: 0, C1: 2, C2: 4, GradScale: 1})
		sameBits(t, "weights", w, []float32{0.875, 1.125})
		sameBits(t, "first moments", m, []float32{2, -0.125})
		sameBits(t, "second moments", v, []float32{4, 0.015625})
	})
}
