package study

import (
	"context"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"
	"time"

	"relaxgo/relax/estimator"
)

func TestExplore(t *testing.T) {
	tr := Published()
	if s := os.Getenv("TR"); s != "" {
		tr.TuningRate, _ = strconv.ParseFloat(s, 64)
	}
	if s := os.Getenv("SEED"); s != "" {
		n, _ := strconv.Atoi(s)
		tr.Seed = uint64(n)
	}
	list := estimator.All()
	list = append(list, estimator.RELAX{Free: true, Hidden: 10}, estimator.RELAX{Hidden: 10}, estimator.DLAX{Hidden: 10})
	if os.Getenv("FEW") != "" {
		list = []estimator.Estimator{estimator.ScoreFunction{}, estimator.ScoreFunction{Baseline: estimator.ConstantBaseline}, estimator.REBAR{}, estimator.RELAX{Free: true, Hidden: 10}, estimator.RELAX{Hidden: 10}, estimator.DLAX{Hidden: 10}}
	}
	for _, e := range list {
		start := time.Now()
		p, err := tr.Run(context.Background(), e)
		if err != nil {
			t.Error(err)
			continue
		}
		el := time.Since(start)
		fmt.Printf("%-26s", e.Info().Name)
		for _, i := range []int{0, 1, 2, 5, 10, 20, 30, 40, 50} {
			fmt.Printf(" %.4f/%6.2f", p[i].Theta, math.Log(p[i].Variance))
		}
		fmt.Println(" ", el.Round(time.Millisecond))
	}
}
