package op

// largestFirst lists the positions of a row in order, such that the k largest elements come first, the largest before the
// others; of equal elements the first wins. How the positions behind them are ordered depends on the row alone.
func largestFirst[T Float](order []int, row []T, k int) {
	for j, x := range row {
		at := j
		if j >= k {
			if k == 0 || !(x > row[order[k-1]]) {
				order[j] = j
				continue
			}
			at = k - 1
			order[j] = order[at]
		}
		for ; at > 0 && x > row[order[at-1]]; at-- {
			order[at] = order[at-1]
		}
		order[at] = j
	}
}
