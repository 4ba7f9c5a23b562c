package main

import (
	"errors"
	"strconv"
	"strings"
)

// widths is a flag for a list of numbers: 400, 200,200, or none.
type widths []int

func (w *widths) String() string {
	if w == nil || len(*w) == 0 {
		return "none"
	}
	var parts []string
	for _, n := range *w {
		parts = append(parts, strconv.Itoa(n))
	}
	return strings.Join(parts, ",")
}

// Set reads a list.
func (w *widths) Set(text string) error {
	var list []int
	if text != "none" {
		for part := range strings.SplitSeq(text, ",") {
			n, err := strconv.Atoi(part)
			if err != nil {
				return errors.New("not a list of whole numbers")
			}
			list = append(list, n)
		}
	}
	*w = list
	return nil
}
