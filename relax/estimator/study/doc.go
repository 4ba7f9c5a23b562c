// Package study x
package study
