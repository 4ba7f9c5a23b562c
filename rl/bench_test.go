package rl

import "testing"

// BenchmarkAct is the choice of an action for a single observation.
func BenchmarkAct(b *testing.B) {
	m, err := newModel(must(b, Defaults("CartPole-v1", REINFORCE)))
	if err != nil {
		b.Fatal(err)
	}
	a, err := m.newActor(1)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := a.run(); err != nil {
			b.Fatal(err)
		}
		a.greedy(0)
	}
}

// BenchmarkLearn is an update with all it takes; the metric is environment steps a second.
func BenchmarkLearn(b *testing.B) {
	for _, id := range []string{"CartPole-v1", "Acrobot-v1", "Taxi-v3"} {
		for _, agent := range Agents() {
			b.Run(EnvName(id)+"/"+agent, func(b *testing.B) {
				a, _, err := newAgent(must(b, Defaults(id, agent)))
				if err != nil {
					b.Fatal(err)
				}
				steps, update := 0, 0
				for b.Loop() {
					x, err := a.learn(update, steps)
					if err != nil {
						b.Fatal(err)
					}
					steps += x.steps
					update++
				}
				b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "steps/s")
			})
		}
	}
}

func must(b *testing.B, c Config) plan {
	b.Helper()
	p, err := c.resolve()
	if err != nil {
		b.Fatal(err)
	}
	return p
}
