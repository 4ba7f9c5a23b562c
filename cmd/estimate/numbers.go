package main

import (
	"errors"
	"strconv"
	"strings"
)

// numbers is a flag for a list of numbers between commas.
type numbers []float64

func (n *numbers) String() string {
	if n == nil {
		return ""
	}
	var parts []string
	for _, x := range *n {
		parts = append(parts, strconv.FormatFloat(x, 'g', -1, 64))
	}
	return strings.Join(parts, ",")
}

// Set reads a list.
func (n *numbers) Set(text string) error {
	var list []float64
	for part := range strings.SplitSeq(text, ",") {
		x, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return errors.New("want numbers between commas, such as 0.45,0.499")
		}
		list = append(list, x)
	}
	*n = list
	return nil
}
