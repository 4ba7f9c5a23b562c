#!/bin/sh
# The benchmark of the literature on discrete latent variables: 200 Bernoulli latents under linear networks, a learned
# prior, statically binarised MNIST. Published values of test_nll after millions of steps: 107.2 (ARM), 107.3 (Concrete),
# 107.7 (REBAR). Flags are handed on, so that the same command with -epochs=20 or -seed=2 is a variation.
cd "$(dirname "$0")/.." || exit 1
exec go run ./cmd/vae \
	-relax=relaxedbernoulli,straightthrough,rloo,disarm,rebar,relax,reinmax \
	-latent=200 -hidden=none -prior=learned -binarize=static \
	-epochs=100 -lr=cosine:0.01:0.00001:46900 -out=results/linear200 "$@"
