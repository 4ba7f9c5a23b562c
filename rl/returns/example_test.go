package returns_test

import (
	"fmt"
	"log"

	"relaxgo/rl/returns"
)

// Three steps, of which a time limit cut off the last: the return is completed by the value of the last observation, 8.
func ExampleRollout_Discounted() {
	g, err := returns.Rollout{
		Reward:    []float64{1, 1, 1},
		Truncated: []bool{false, false, true},
		Bootstrap: []float64{0, 0, 8},
	}.Discounted(nil, 0.5)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(g)
	// Output: [2.75 3.5 5]
}

// The same steps ending in a terminal state, with the values that a critic gave.
func ExampleRollout_GAE() {
	a, err := returns.Rollout{
		Reward:     []float64{1, 1, 1},
		Terminated: []bool{false, false, true},
		Value:      []float64{2, 2, 1},
	}.GAE(nil, 1, 0.5)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a)
	// Output: [1 0 0]
}
