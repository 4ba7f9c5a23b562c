// Package rl trains policies for the environments of package env by policy gradients: REINFORCE, A2C and RELAX.
//
// A policy π_θ(a|s) is a network from observations to logits, one for each action. What the agents differ in is the
// estimate of the gradient of the expected return that they climb. In all of them it is a sum over the steps of an
// episode,
//
//	REINFORCE  Σ_t (R_t − V(s_t)) ∇log π(a_t|s_t)
//	A2C        Σ_t A_t ∇log π(a_t|s_t)
//	RELAX      Σ_t (R_t − c(s_t, z̃_t)) ∇log π(a_t|s_t) + ∇c(s_t, z_t) − ∇c(s_t, z̃_t)
//
// with discounted returns R_t, advantages A_t that are completed by the value V where a rollout ends or an episode is
// cut off, and a learned control variate c of the variables z that the action is the argmax of. Each agent is a file
// of its own: reinforce.go, a2c.go, relax.go.
//
// # Bias
//
// RELAX is unbiased whatever its control variate is, and REINFORCE is with a baseline or without, as long as they do
// not standardise returns: in expectation their estimates are those of plain Monte-Carlo returns. Both take a time
// limit for a part of the task, since nothing follows it that they could count. A2C has the bias of its value
// function; it completes the return of an episode that was cut off by a time limit, and not that of a terminated one.
//
// # Determinism
//
// Every random draw belongs to a stream that is a function of the seed and of its purpose, so that a configuration
// determines all numbers of a run, on any number of cores, interrupted or not.
package rl
