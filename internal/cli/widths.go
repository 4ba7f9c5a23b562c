package cli

import (
	"errors"
	"strconv"
	"strings"
)

// Widths is a flag for a list of whole numbers: 400, 200,200, or none.
type Widths []int

// String is the list as Set reads it.
func (w *Widths) String() string {
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
func (w *Widths) Set(text string) error {
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
