// Package vae trains variational autoencoders with discrete latent variables on images.
//
// The model is the one of the report's demos: an encoder of dense ReLU layers gives the logits of the latent
// variables, a decoder of the same kind turns a sample into the logits of the pixels. Its training loss per image is
// the negative evidence bound
//
//	−log p(x|z) + β·KL(q(z|x) ‖ p(z)),  z ~ q(z|x),
//
// where the sample z may be relaxed and the prior p(z) is fixed – fair bits, equally probable classes or subsets, counts of
// a given mean – or learned. How z is sampled, or how the gradient is estimated for a discrete z, is a [Method];
// everything else is shared by all methods. There may be several stochastic layers.
//
// Three numbers are reported, in nats per test image, lower being better:
//
//   - test_loss: the negative evidence bound, whatever β is, with the sample that training uses. With a relaxed sample and a discrete
//     divergence it is no bound on the likelihood, since a relaxed sample carries more information than the
//     divergence counts; it is what the Python demos print.
//   - test_nelbo: the same with exactly discrete samples: a bound for every method. Those for which it is looser than for
//     others have a Caveat.
//   - test_nll: the importance-weighted bound with several discrete samples (Burda, Grosse and Salakhutdinov 2016),
//     closer to −log p(x).
//
// Runs are deterministic: every random draw is a function of the seed and of what it is for, so the same
// configuration gives the same numbers, also when the run was interrupted and resumed.
package vae
