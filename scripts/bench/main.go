// Command bench measures this project and, where Python with PyTorch is installed, PyTorch on the same work: in turn,
// round after round, in one run, because the speed of a machine drifts. It prints the median time of each and the
// median of the ratios of the rounds with their range.
//
//	go run ./scripts/bench                       # all rows
//	go run ./scripts/bench -rows=vae -rounds=15  # the rows whose names contain "vae"
//	go run ./scripts/bench -python=venv/bin/python -json=bench.json
//
// To add a row, add it to the list in rows.go and, if PyTorch can do the same, a function of its kind to peer.py.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"relaxgo/internal/cli"
	"relaxgo/internal/kernel"
	"relaxgo/internal/run"
)

func main() { os.Exit(cli.Main("bench", bench)) }

// result is one row of the table.
type result struct {
	Row    string    `json:"row"`
	Unit   string    `json:"unit"`
	Ours   []float64 `json:"ours_ms"`        // per unit, one number per round
	Peer   []float64 `json:"peer_ms"`        // the same rounds; empty without PyTorch
	Peers  string    `json:"peer_settings"`  // the settings with which the peer was fastest
	Ratios []float64 `json:"peer_over_ours"` // above 1: ours is faster
}

func bench(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	filter := fs.String("rows", "", "measure the rows whose `name` contains this")
	rounds := fs.Int("rounds", 11, "`rounds` of ours and the peer's in turn")
	python := fs.String("python", "python3", "Python `command`; PyTorch is left out if it cannot be imported")
	file := fs.String("json", "", "write all measurements to this `file`")
	cmd := cli.Command{
		Name: "bench", Purpose: "measures training steps here and in PyTorch, in turn.",
		Examples: []string{"go run ./scripts/bench", "go run ./scripts/bench -rows=vae -rounds=15"},
		Flags:    fs,
	}
	if err := cmd.Parse(args, stdout); err != nil {
		return err
	}
	if *rounds < 1 {
		return cli.Usagef("-rounds=%d: at least 1 is needed", *rounds)
	}
	peer, err := startPeer(ctx, *python)
	if err != nil {
		fmt.Fprintf(stderr, "bench: PyTorch is left out: %v\n", err)
	} else {
		defer peer.close()
		fmt.Fprintf(stderr, "bench: against PyTorch %s\n", peer.version)
	}
	env := run.CurrentEnvironment()
	fmt.Fprintf(stderr, "bench: %s %s/%s, %d CPUs, kernels %s\n", env.Go, env.OS, env.Arch, env.CPUs, kernel.Level())

	progress := cli.NewProgress(stderr, cli.ProgressAuto)
	defer progress.Done("")
	var results []result
	for _, r := range rows() {
		if !strings.Contains(r.name, *filter) {
			continue
		}
		res, err := measure(r, peer, *rounds, func(i int) { progress.Update(fmt.Sprintf("%s  round %d/%d", r.name, i, *rounds)) })
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		results = append(results, res)
		if ctx.Err() != nil {
			return cli.ErrInterrupted
		}
	}
	progress.Done("")
	if len(results) == 0 {
		return cli.Usagef("-rows=%s: no row has that in its name", *filter)
	}
	if *file != "" {
		if err := run.WriteJSON(*file, results); err != nil {
			return err
		}
	}
	return table(stdout, results)
}

// measure runs one row. A first round, not counted, warms both sides up and chooses the peer's settings.
func measure(r row, peer *peer, rounds int, tell func(int)) (result, error) {
	res := result{Row: r.name, Unit: r.unit}
	ours, err := r.start()
	if err != nil {
		return res, err
	}
	if _, err := ours(); err != nil {
		return res, err
	}
	var theirs func() (float64, error)
	if peer != nil && r.peer != nil {
		if theirs, res.Peers, err = peer.start(r.peer); err != nil {
			return res, err
		}
	}
	for i := range rounds {
		tell(i + 1)
		t, err := ours()
		if err != nil {
			return res, err
		}
		res.Ours = append(res.Ours, t)
		if theirs == nil {
			continue
		}
		p, err := theirs()
		if err != nil {
			return res, err
		}
		res.Peer = append(res.Peer, p)
		res.Ratios = append(res.Ratios, p/t)
	}
	return res, nil
}

func table(w io.Writer, results []result) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "row\tunit\tours, ms\tPyTorch, ms\tPyTorch/ours\trange\tPyTorch settings")
	for _, r := range results {
		fmt.Fprintf(tab, "%s\t%s\t%s", r.Row, r.Unit, number(median(r.Ours)))
		if len(r.Peer) > 0 {
			fmt.Fprintf(tab, "\t%s\t%.2f\t%.2f–%.2f\t%s", number(median(r.Peer)), median(r.Ratios), slices.Min(r.Ratios), slices.Max(r.Ratios), r.Peers)
		} else {
			fmt.Fprint(tab, "\t–\t–\t–\t–")
		}
		fmt.Fprintln(tab)
	}
	return tab.Flush()
}

func number(ms float64) string {
	if ms < 0.1 {
		return fmt.Sprintf("%.4f", ms)
	}
	return fmt.Sprintf("%.3f", ms)
}

func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}
