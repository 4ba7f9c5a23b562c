// Package env holds reinforcement-learning environments with discrete actions: CartPole, Acrobot and Taxi, true to
// Gymnasium down to the random generator, and what surrounds them: a registry, a time limit, episode statistics,
// normalisation, a vector form, drawing, and saved state that resumes to the bit.
//
//	e, err := env.Make("CartPole-v1")
//	obs := make([]float32, e.Space().Size)
//	e.Seed(42)
//	err = e.Reset(obs)
//	for done := false; !done; {
//		step, err := e.Step(policy(obs), obs)
//		done = step.Done()
//	}
//
// # Contract
//
// An [Env] is four methods. Observations are written into the caller's slice, so that a step allocates nothing and no
// two parties hold the same memory; an environment neither keeps nor reads that slice. Mistakes of the caller – an
// action out of range, a slice of the wrong length, a step without a running episode – are errors and leave the
// environment as it was. An environment belongs to one goroutine at a time; different environments share nothing
// that changes. [Check] tests an implementation for all this.
//
// What some environments can do beyond stepping is an optional interface, found with [As] through any wrappers:
// [Masker] for action masks, [Enumerator] for starts that can be counted, [Renderer] for text and images, [Saver] for
// saved state.
//
// # Environments of one's own
//
// A type with the four methods of [Env] is enough; [Check] finds what is wrong with it, and [Register] gives it a name, a
// time limit and a threshold, under which the agents of package rl train in it. The example of Register is a whole one.
// With [Masker] agents leave useless actions out, with [Renderer] episodes can be watched. Without [Saver] the episodes
// that A2C interrupts between updates cannot be saved: a run that is resumed begins new ones then, and its numbers are
// others than if it had not been interrupted.
//
// # Faithfulness
//
// The dynamics follow Gymnasium (https://gymnasium.farama.org, version 1.2.3; rain and fickle passengers of Taxi as
// corrected in 1.3.0) operation by operation in float64. Seed followed by Reset starts the same episode as
// reset(seed=…) there. Products are converted to float64 explicitly, which forbids their fusion with a following sum,
// and sine and cosine are computed here rather than in package math, so results are the same bits on every processor.
// Gymnasium takes sine and cosine from the C library or from NumPy's vector code, which disagree with each other in the
// last bits; given the same sine and cosine, CartPole agrees bit for bit, and with those of this package every single
// step from a recorded state gives the recorded float32 observation. Over hundreds of steps an unstable system such as
// CartPole amplifies last bits until whole trajectories part ways, there as here.
package env
