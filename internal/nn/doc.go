// Package nn holds a model's named parameters, their seeded initialisers and
// the layers that use them.
package nn
