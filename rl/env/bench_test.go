package env

import (
	"math"
	"testing"
)

// benchmarkStep measures one step through the public interface, time limit and resets included.
func benchmarkStep(b *testing.B, id string) {
	e, err := Make(id)
	if err != nil {
		b.Fatal(err)
	}
	obs := make([]float32, e.Space().Size)
	var actions [1024]int
	random := NewRand(1)
	for i := range actions {
		actions[i] = int(random.Uint32N(uint32(e.Space().Actions)))
	}
	if err := e.Reset(obs); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r, err := e.Step(actions[i&1023], obs)
		if err != nil {
			b.Fatal(err)
		}
		if r.Done() {
			if err := e.Reset(obs); err != nil {
				b.Fatal(err)
			}
		}
		i++
	}
}

func BenchmarkCartPole(b *testing.B) { benchmarkStep(b, "CartPole-v1") }
func BenchmarkAcrobot(b *testing.B)  { benchmarkStep(b, "Acrobot-v1") }
func BenchmarkTaxi(b *testing.B)     { benchmarkStep(b, "Taxi-v3") }

func benchmarkVector(b *testing.B, id string) {
	const n = 64
	v, err := NewVector(n, SameStep, func() (Env, error) { return Make(id) })
	if err != nil {
		b.Fatal(err)
	}
	if _, err := v.Reset(); err != nil {
		b.Fatal(err)
	}
	actions := make([]int, n)
	random := NewRand(1)
	b.ReportAllocs()
	for b.Loop() {
		for i := range actions {
			actions[i] = int(random.Uint32N(uint32(v.Space().Actions)))
		}
		if _, err := v.Step(actions); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/step")
}

func BenchmarkVectorCartPole(b *testing.B) { benchmarkVector(b, "CartPole-v1") }
func BenchmarkVectorTaxi(b *testing.B)     { benchmarkVector(b, "Taxi-v3") }

func BenchmarkSincos(b *testing.B) {
	x := 0.1
	for b.Loop() {
		s, c := sincos(x)
		x = s*0.1 + c*0.1
	}
}

func BenchmarkMathSincos(b *testing.B) {
	x := 0.1
	for b.Loop() {
		s, c := math.Sincos(x)
		x = s*0.1 + c*0.1
	}
}
