//go:build !amd64

package kernel

func simd() []*loops { return nil }
