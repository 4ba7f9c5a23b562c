package plots

import (
	"fmt"
	"slices"
	"strings"
)

// Environment is the runs of agents in one environment.
type Environment struct {
	Name      string // title of its panel
	Agents    []AgentRuns
	Window    int      // as in [ReturnOptions]
	Threshold *float64 // as in [ReturnOptions]
}

// Environments draws the learning curves of agents in several environments, as
// [DrawReturns] does for one, each in a panel with axes of its own.
//
// Errors: no environments; one without a name; what is wrong with the runs of
// one, as in [DrawReturns].
func Environments(environments []Environment, caption string) (Figure, error) {
	if len(environments) == 0 {
		return Figure{}, fmt.Errorf("there are no environments")
	}
	var panels []drawnPanel
	var averages []average // of all, with the names of their environments
	var missing []string
	for _, e := range environments {
		if strings.TrimSpace(e.Name) == "" {
			return Figure{}, fmt.Errorf("an environment has no name")
		}
		r, err := readReturns(e.Agents, e.Window)
		if err != nil {
			return Figure{}, fmt.Errorf("%s: %w", e.Name, err)
		}
		panel, err := r.panel(e)
		if err != nil {
			return Figure{}, fmt.Errorf("%s: %w", e.Name, err)
		}
		panels = append(panels, panel)
		for _, a := range r.averages {
			a.name = e.Name + ", " + a.name
			averages = append(averages, a)
		}
		for _, name := range without(r.agents, r.averages) {
			missing = append(missing, e.Name+", "+name)
		}
	}
	return panelFigure(panels, "", strings.TrimRight(seedKey("means", averages)+notDrawn(missing)+"\n"+caption, "\n"))
}

// panel is the returns on axes of their own.
func (r learning) panel(e Environment) (drawnPanel, error) {
	series, labels := r.lines()
	var straight []Series
	for _, l := range solved(e.Threshold) {
		straight = append(straight, l.series())
	}
	all := slices.Concat(series, straight)
	if err := checkSeries(all); err != nil {
		return drawnPanel{}, err
	}
	if err := checkText("name of an environment", e.Name); err != nil {
		return drawnPanel{}, err
	}
	f := frameOf(all)
	ends := append(lineEnds(series, fixed(lastDecimals(series))), levelEnds(solved(e.Threshold), straight, f)...)
	p := newDrawnPanel(e.Name, f.axes(series, levels(straight)), labels.x, ends)
	p.axes.Y.Label.Text = strings.Join(wrap(labelFace, labels.y, panelHeight*3/4), "\n")
	return p, nil
}
