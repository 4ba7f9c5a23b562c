package cli

import "strings"

// Nearest finds the known name that word was most likely meant to be: the first
// of those at the smallest distance, if that is at most a third of the longer
// name's length. The distance counts insertions, deletions, substitutions and
// swaps of neighbours, in the restricted form of Damerau and Levenshtein (no
// letter is edited twice); upper and lower case count as equal.
func Nearest(word string, known []string) (string, bool) {
	best, bestDistance := "", -1
	for _, name := range known {
		a, b := []rune(strings.ToLower(word)), []rune(strings.ToLower(name))
		longer := max(len(a), len(b))
		// Names of two letters may still be off by one.
		limit := min(max(1, longer/3), longer-1)
		d := distance(a, b)
		if d <= limit && (bestDistance < 0 || d < bestDistance) {
			best, bestDistance = name, d
		}
	}
	return best, bestDistance >= 0
}

// distance keeps the last three rows of the usual table d[i][j], the distance
// between the first i letters of a and the first j of b.
func distance(a, b []rune) int {
	twoAbove, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		twoAbove, above, row = above, row, twoAbove
		row[0] = i
		for j := 1; j <= len(b); j++ {
			substitute := above[j-1]
			if a[i-1] != b[j-1] {
				substitute++
			}
			row[j] = min(substitute, above[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], twoAbove[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
