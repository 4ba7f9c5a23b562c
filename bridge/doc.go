// Package bridge goes back and forth between the Dirichlet distribution and the logistic-normal: two families on the same
// simplex, one conjugate to counts, the other a softmax of Gaussian logits. It holds both laws, the maps between them and
// the distances that tell how much a map loses. Everything is float64 and immutable once made.
//
// # Two bases
//
// A law on the simplex has a density in two bases, and the two have different modes:
//
//   - The simplex basis: π with Σ π_k = 1; densities are taken over the first K−1 coordinates of π.
//   - The softmax basis: logits z with π = softmax(z). A common shift of z changes nothing, so that K logits have K−1
//     degrees of freedom; densities are taken over the log-ratios y_k = z_k − z_K, k < K, whatever the shift of z.
//
// The change of variables is |∂π/∂y| = Π_k π_k over all K, hence
//
//	log p(y) = log p(π) + Σ_k log π_k
//
// Methods whose name ends in Softmax speak of the second basis, the others of the first. Logits that the package returns
// sum to zero; logits that it takes may have any common shift.
//
// # Maps
//
// [Laplace] expands the Dirichlet's softmax density around its mode: means, covariance and inverse ([LaplaceInverse]) are
// arithmetic. [Moments] takes the exact mean and covariance of the Dirichlet's logits instead, which makes it the
// logistic-normal nearest in divergence.
//
// Sources: Hobbhahn, Kristiadi and Hennig (2022), Fast predictive uncertainty for classification with Bayesian deep
// networks, UAI; MacKay (1998), Choice of basis for Laplace approximation, Machine Learning 33; Aitchison and Shen (1980),
// Logistic-normal distributions: some properties and uses, Biometrika 67.
package bridge
