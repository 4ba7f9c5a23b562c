package env

import (
	"fmt"
	"image"
	"image/color"
	"sort"
	"strings"
	"sync"
)

// Taxi is Gymnasium's Taxi without its time limit: a taxi on a grid of 5 × 5 fields fetches a passenger at one of four
// places (R, G, Y, B) and takes them to another. Actions are 0 south, 1 north, 2 east, 3 west, 4 pick up, 5 drop off.
// The observation is discrete, one of 500 states:
//
//	((row·5 + column)·5 + passenger)·4 + destination
//
// where passenger is the number of a place or 4 in the taxi. An episode starts uniformly in one of the 300 states in
// which the passenger waits somewhere else than at the destination. A step is rewarded with -1; a pick-up without the
// passenger, or a drop-off without one or outside the four places, with -10; the drop-off at the destination with 20,
// and it terminates the episode. A move into a wall stays where it is. The mean return of an optimal policy is 7.93.
//
// Source: Dietterich, Hierarchical Reinforcement Learning with the MAXQ Value Function Decomposition (2000).
type Taxi struct {
	options TaxiOptions
	rules   *taxiRules
	random  Rand
	state   int32
	last    int32 // last action, -1 after a reset; for Text and Frame
	fickle  bool  // the passenger of this episode will change their mind
	running bool
}

var _ interface {
	Env
	Masker
	Enumerator
	Renderer
	Saver
} = (*Taxi)(nil)

// TaxiOptions makes Taxi stochastic. The zero value is the deterministic Taxi, the same in Gymnasium's Taxi-v3 and
// Taxi-v4; with an option set the dynamics are those of Taxi-v4, in which rain respects walls. The registry has them as
// RainyTaxi-v4, FickleTaxi-v4 and RainyFickleTaxi-v4.
type TaxiOptions struct {
	// Rainy makes a move that nothing blocks go to one side or the other instead, with a chance of
	// 1 - RainyProbability shared equally; a side blocked by a wall leaves the taxi where it is. The mean return of an
	// optimal policy is 3.95 then.
	Rainy            bool
	RainyProbability float64 // of going where intended; zero: 0.8

	// Fickle makes a passenger change the destination, with a chance of FickleProbability an episode, at the first
	// move in the taxi.
	Fickle            bool
	FickleProbability float64 // zero: 0.3
}

const (
	taxiStates  = 500
	taxiActions = 6
	inTaxi      = 4 // place of a passenger in the taxi
)

var taxiSpace = Space{Actions: taxiActions, Size: 1, States: taxiStates}

var taxiMap = [7]string{
	"+---------+",
	"|R: | : :G|",
	"| : | : : |",
	"| : : : : |",
	"| | : | : |",
	"|Y| : |B: |",
	"+---------+",
}

// taxiPlaces are row and column of R, G, Y and B.
var taxiPlaces = [4][2]int{{0, 0}, {0, 4}, {4, 0}, {4, 3}}

// NewTaxi returns a Taxi with seed 0. Probabilities must lie in [0, 1].
func NewTaxi(options TaxiOptions) (*Taxi, error) {
	for _, p := range []struct {
		name  string
		value *float64
		usual float64
	}{
		{"RainyProbability", &options.RainyProbability, 0.8},
		{"FickleProbability", &options.FickleProbability, 0.3},
	} {
		if *p.value == 0 {
			*p.value = p.usual
		}
		if !(*p.value >= 0 && *p.value <= 1) {
			return nil, fmt.Errorf("env: taxi with %s %v, want a probability in [0, 1]", p.name, *p.value)
		}
	}
	t := &Taxi{options: options, rules: sharedTaxiRules(), random: NewRand(0), last: -1}
	t.state = int32(t.rules.starts[0])
	return t, nil
}

// Space returns 6 actions and 500 states.
func (t *Taxi) Space() Space { return taxiSpace }

// Seed implements [Env].
func (t *Taxi) Seed(seed uint64) { t.random.Seed(seed) }

// Reset implements [Env].
func (t *Taxi) Reset(obs []float32) error {
	if err := resetError(obs, taxiSpace.Size); err != nil {
		return err
	}
	t.state = int32(t.rules.start(t.random.Float64()))
	t.fickle = t.options.Fickle && t.random.Float64() < t.options.FickleProbability
	t.last, t.running = -1, true
	obs[0] = float32(t.state)
	return nil
}

// Step implements [Env].
func (t *Taxi) Step(action int, obs []float32) (Result, error) {
	if !t.running || uint(action) >= taxiActions || len(obs) != 1 {
		return Result{}, stepError(t.running, action, obs, taxiSpace)
	}
	state := int(t.state)
	taken := action
	if t.options.Rainy {
		taken = t.drift(state, action)
	} else {
		t.random.advance() // Gymnasium draws a number on every step, whether it needs one or not
	}
	to := &t.rules.moves[state][taken]
	next := int(to.next)
	if t.fickle && passengerOf(state) == inTaxi && fieldOf(next) != fieldOf(state) {
		t.fickle = false
		other := int(t.random.Uint32N(3))
		if other >= next%4 {
			other++
		}
		next += other - next%4
	}
	t.state, t.last = int32(next), int32(action)
	t.running = !to.terminated
	obs[0] = float32(next)
	return Result{Reward: float64(to.reward), Terminated: to.terminated}, nil
}

// sideways are the moves to the left and to the right of a move.
var sideways = [4][2]int{{2, 3}, {3, 2}, {1, 0}, {0, 1}}

// drift returns the action that the rain makes of an action: a random number falls into one of the intervals
// [0, p), [p, p+q) and [p+q, 1) of intended, left and right, with p+q rounded as Gymnasium rounds it.
func (t *Taxi) drift(state, action int) int {
	u := t.random.Float64()
	intended := t.options.RainyProbability
	side := float64((1 - intended) / 2)
	switch {
	case action > 3 || !t.rules.masks[state][action] || u < intended:
		return action
	case u < intended+side:
		return sideways[action][0]
	default:
		return sideways[action][1]
	}
}

// Mask implements [Masker]: a move that nothing blocks, a pick-up where the passenger waits, a drop-off at any of the
// four places with the passenger in the taxi.
func (t *Taxi) Mask(mask []bool) { copy(mask, t.rules.masks[t.state][:]) }

// Starts implements [Enumerator]: the 300 states in which an episode can start, or 0 with an option that makes the taxi
// stochastic.
func (t *Taxi) Starts() int {
	if t.options.Rainy || t.options.Fickle {
		return 0
	}
	return len(t.rules.starts)
}

// Start implements [Enumerator], in the order of states.
func (t *Taxi) Start(i int, obs []float32) error {
	switch {
	case !t.running:
		return ErrNeedsReset
	case i < 0 || i >= t.Starts():
		return fmt.Errorf("%w: %d of %d", ErrStart, i, t.Starts())
	case len(obs) != taxiSpace.Size:
		return resetError(obs, taxiSpace.Size)
	}
	t.state, t.last = int32(t.rules.starts[i]), -1
	obs[0] = float32(t.state)
	return nil
}

// MarshalBinary implements [Saver]. The options are not part of the state.
func (t *Taxi) MarshalBinary() ([]byte, error) {
	return encode("taxi", &t.random, &t.state, &t.last, &t.fickle, &t.running)
}

// UnmarshalBinary implements [Saver].
func (t *Taxi) UnmarshalBinary(data []byte) error {
	next := *t
	if err := decode("taxi", data, &next.random, &next.state, &next.last, &next.fickle, &next.running); err != nil {
		return err
	}
	if next.state < 0 || next.state >= taxiStates || next.last < -1 || next.last >= taxiActions {
		return fmt.Errorf("%w: state %d after action %d (taxi)", errState, next.state, next.last)
	}
	*t = next
	return nil
}

// taxiRules are the tables that all taxis share.
type taxiRules struct {
	moves  [taxiStates][taxiActions]taxiMove
	masks  [taxiStates][taxiActions]bool
	starts []int     // the states in which an episode can start, ascending
	cum    []float64 // their cumulative probabilities
}

type taxiMove struct {
	next       int16
	reward     int8
	terminated bool
}

var sharedTaxiRules = sync.OnceValue(func() *taxiRules {
	rules := new(taxiRules)
	for state := range taxiStates {
		if passenger := passengerOf(state); passenger != inTaxi && passenger != state%4 {
			rules.starts = append(rules.starts, state)
		}
		for action := range taxiActions {
			rules.moves[state][action], rules.masks[state][action] = taxiRule(state, action)
		}
	}
	sum := 0.0
	for range rules.starts {
		sum += 1 / float64(len(rules.starts))
		rules.cum = append(rules.cum, sum)
	}
	return rules
})

// start returns the start state that belongs to a random number u. The cumulative probabilities end 4·10⁻¹⁵ short of 1;
// for a u in the gap Gymnasium's search comes out at state 0, where a passenger already is at the destination.
func (r *taxiRules) start(u float64) int {
	i := sort.Search(len(r.cum), func(i int) bool { return r.cum[i] > u })
	if i == len(r.cum) {
		return 0
	}
	return r.starts[i]
}

// fieldOf returns row·5 + column of a state.
func fieldOf(state int) int { return state / 20 }

// passengerOf returns the place of the passenger in a state.
func passengerOf(state int) int { return state / 4 % 5 }

// placeAt returns the number of the place on a field, or -1.
func placeAt(row, column int) int {
	for i, place := range taxiPlaces {
		if place == [2]int{row, column} {
			return i
		}
	}
	return -1
}

// taxiRule returns what an action does in a state and whether it is of use there.
func taxiRule(state, action int) (move taxiMove, useful bool) {
	row, column, passenger, destination := fieldOf(state)/5, fieldOf(state)%5, passengerOf(state), state%4
	here := placeAt(row, column)
	move.reward = -1
	switch action {
	case 0:
		if useful = row < 4; useful {
			row++
		}
	case 1:
		if useful = row > 0; useful {
			row--
		}
	case 2:
		if useful = taxiMap[row+1][2*column+2] == ':'; useful {
			column++
		}
	case 3:
		if useful = taxiMap[row+1][2*column] == ':'; useful {
			column--
		}
	case 4:
		if useful = passenger != inTaxi && passenger == here; useful {
			passenger = inTaxi
		} else {
			move.reward = -10
		}
	case 5:
		if useful = passenger == inTaxi && here >= 0; useful {
			passenger = here
			if move.terminated = here == destination; move.terminated {
				move.reward = 20
			}
		} else {
			move.reward = -10
		}
	}
	move.next = int16(((row*5+column)*5+passenger)*4 + destination)
	return move, useful
}

// Text draws the map as Gymnasium does: the taxi is yellow when empty and green with the passenger, the waiting
// passenger is blue, the destination magenta. The last line names the last action.
func (t *Taxi) Text() string {
	row, column, passenger, destination := fieldOf(int(t.state))/5, fieldOf(int(t.state))%5, passengerOf(int(t.state)), t.state%4
	var cells [7][11]string
	for i, line := range taxiMap {
		for j := range line {
			cells[i][j] = line[j : j+1]
		}
	}
	paint := func(row, column int, code string) {
		cell := &cells[row+1][2*column+1]
		*cell = ansi(code, *cell)
	}
	if passenger == inTaxi {
		if cell := &cells[row+1][2*column+1]; *cell == " " {
			*cell = "_"
		}
		paint(row, column, "42")
	} else {
		paint(row, column, "43")
		paint(taxiPlaces[passenger][0], taxiPlaces[passenger][1], "34;1")
	}
	paint(taxiPlaces[destination][0], taxiPlaces[destination][1], "35")
	var b strings.Builder
	for _, line := range cells {
		for _, cell := range line {
			b.WriteString(cell)
		}
		b.WriteByte('\n')
	}
	if t.last >= 0 {
		fmt.Fprintf(&b, "  (%s)", [...]string{"South", "North", "East", "West", "Pickup", "Dropoff"}[t.last])
	}
	b.WriteByte('\n')
	return b.String()
}

// Frame draws the map on 350 × 350 pixels: the four places in their colours, the destination framed in magenta, the
// passenger as a blue figure, the taxi yellow when empty and green with the passenger.
func (t *Taxi) Frame() image.Image {
	const side, margin, cell = 350, 15.0, 64.0
	p := newPicture(side, side)
	corner := func(row, column int) (x, y float64) {
		return margin + cell*float64(column), margin + cell*float64(row)
	}
	wall := color.RGBA{60, 60, 66, 255}
	for i := range 6 {
		at := margin + cell*float64(i)
		p.fill(capsule(margin, at, side-margin, at, 0.5), color.RGBA{215, 215, 215, 255})
		p.fill(capsule(at, margin, at, side-margin, 0.5), color.RGBA{215, 215, 215, 255})
	}
	tints := [4]color.RGBA{{240, 150, 140, 255}, {150, 215, 150, 255}, {245, 230, 130, 255}, {150, 180, 240, 255}}
	for i, place := range taxiPlaces {
		x, y := corner(place[0], place[1])
		p.fill(box(x+4, y+4, x+cell-4, y+cell-4, 6), tints[i])
	}
	row, column, passenger, destination := fieldOf(int(t.state))/5, fieldOf(int(t.state))%5, passengerOf(int(t.state)), t.state%4
	x, y := corner(taxiPlaces[destination][0], taxiPlaces[destination][1])
	p.fill(box(x+4, y+4, x+cell-4, y+cell-4, 6).outline(4), color.RGBA{200, 40, 160, 255})
	for row := range 5 {
		for column := range 6 {
			if taxiMap[row+1][2*column] == '|' {
				x, y := corner(row, column)
				p.fill(capsule(x, y, x, y+cell, 3), wall)
			}
		}
	}
	for _, y := range []float64{margin, side - margin} {
		p.fill(capsule(margin, y, side-margin, y, 3), wall)
	}
	if passenger != inTaxi {
		x, y := corner(taxiPlaces[passenger][0], taxiPlaces[passenger][1])
		p.fill(disc(x+16, y+18, 6), color.RGBA{30, 70, 200, 255})
		p.fill(capsule(x+16, y+31, x+16, y+42, 6), color.RGBA{30, 70, 200, 255})
	}
	x, y = corner(row, column)
	body := color.RGBA{235, 180, 0, 255}
	if passenger == inTaxi {
		body = color.RGBA{40, 150, 60, 255}
	}
	p.fill(box(x+20, y+22, x+46, y+42, 7), body)
	p.fill(box(x+24, y+26, x+42, y+34, 3), color.RGBA{225, 240, 250, 255})
	p.fill(box(x+12, y+33, x+54, y+46, 5), body)
	for _, wheel := range []float64{x + 22, x + 44} {
		p.fill(disc(wheel, y+46, 5), color.RGBA{40, 44, 52, 255})
	}
	return p.image
}
