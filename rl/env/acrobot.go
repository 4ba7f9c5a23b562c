package env

import (
	"fmt"
	"image"
	"image/color"
	"math"
)

// Acrobot is Gymnasium's Acrobot-v1 without its time limit: two links hang from a pivot, and a torque of -1, 0 or +1 N m
// (actions 0, 1, 2) acts on the joint between them for 0.2 s a step. The observation is (cos θ₁, sin θ₁, cos θ₂, sin θ₂,
// θ̇₁, θ̇₂) with θ₁ from the vertical and θ₂ relative to the first link. Angles and velocities start uniform in
// [-0.1, 0.1), rounded to float32. Every step is rewarded with -1, the last with 0: the episode terminates when the free
// end rises more than one link above the pivot, -cos θ₁ - cos(θ₁+θ₂) > 1.
//
// Equations are those of Sutton and Barto's book (Reinforcement Learning: An Introduction, 2018), one Runge-Kutta step
// of fourth order an action; |θ̇₁| is clipped at 4π and |θ̇₂| at 9π.
type Acrobot struct {
	random  Rand
	state   [4]float64 // θ₁, θ₂, θ̇₁, θ̇₂
	running bool
}

var _ interface {
	Env
	Renderer
	Saver
} = (*Acrobot)(nil)

var acrobotSpace = Space{Actions: 3, Size: 6}

// acrobotBounds are the largest absolute values of the state.
var acrobotBounds = [4]float64{math.Pi, math.Pi, 4 * math.Pi, 9 * math.Pi}

// NewAcrobot returns an Acrobot with seed 0.
func NewAcrobot() *Acrobot { return &Acrobot{random: NewRand(0)} }

// Space returns 3 actions and 6 real numbers.
func (a *Acrobot) Space() Space { return acrobotSpace }

// Seed implements [Env].
func (a *Acrobot) Seed(seed uint64) { a.random.Seed(seed) }

// Reset implements [Env].
func (a *Acrobot) Reset(obs []float32) error {
	if err := resetError(obs, acrobotSpace.Size); err != nil {
		return err
	}
	for i := range a.state {
		a.state[i] = float64(float32(a.random.Uniform(-0.1, 0.1)))
	}
	a.running = true
	a.observe(obs)
	return nil
}

// Step implements [Env].
func (a *Acrobot) Step(action int, obs []float32) (Result, error) {
	if !a.running || uint(action) > 2 || len(obs) != acrobotSpace.Size {
		return Result{}, stepError(a.running, action, obs, acrobotSpace)
	}
	s := acrobotStep(a.state, float64(action-1))
	a.state = [4]float64{
		wrapAngle(s[0]),
		wrapAngle(s[1]),
		min(max(s[2], -acrobotBounds[2]), acrobotBounds[2]),
		min(max(s[3], -acrobotBounds[3]), acrobotBounds[3]),
	}
	cos1 := a.observe(obs)
	if -cos1-cosine(a.state[1]+a.state[0]) > 1 {
		a.running = false
		return Result{Terminated: true}, nil
	}
	return Result{Reward: -1}, nil
}

// observe writes the observation and returns cos θ₁ before its rounding to float32.
func (a *Acrobot) observe(obs []float32) float64 {
	sin1, cos1 := sincos(a.state[0])
	sin2, cos2 := sincos(a.state[1])
	_ = obs[5]
	obs[0], obs[1], obs[2], obs[3] = float32(cos1), float32(sin1), float32(cos2), float32(sin2)
	obs[4], obs[5] = float32(a.state[2]), float32(a.state[3])
	return cos1
}

// acrobotStep integrates over 0.2 s: s + dt/6·(k₁ + 2k₂ + 2k₃ + k₄).
func acrobotStep(s [4]float64, torque float64) [4]float64 {
	const dt = 0.2
	at := func(k [4]float64, h float64) (moved [4]float64) {
		for i := range s {
			moved[i] = s[i] + float64(h*k[i])
		}
		return moved
	}
	k1 := acrobotSlope(s, torque)
	k2 := acrobotSlope(at(k1, dt/2), torque)
	k3 := acrobotSlope(at(k2, dt/2), torque)
	k4 := acrobotSlope(at(k3, dt), torque)
	var sum [4]float64
	for i := range sum {
		sum[i] = k1[i] + float64(2*k2[i]) + float64(2*k3[i]) + k4[i]
	}
	return at(sum, dt/6)
}

// acrobotSlope is the time derivative of the state. All lengths, masses and moments of inertia are 1 and the centres of
// mass lie at 0.5, which leaves few constants; their products are rounded where Gymnasium rounds them.
func acrobotSlope(s [4]float64, torque float64) [4]float64 {
	const (
		half     = 0.5                // m₂·l₁·lc₂
		gravity2 = 4.9                // m₂·lc₂·g
		gravity1 = 14.700000000000001 // (m₁·lc₁ + m₂·l₁)·g
		inertia2 = 1.25               // m₂·lc₂² + I₂
	)
	angle1, angle2, vel1, vel2 := s[0], s[1], s[2], s[3]
	sin2, cos2 := sincos(angle2)
	d1 := 0.25 + (1.25 + cos2) + 1 + 1
	d2 := (0.25 + float64(half*cos2)) + 1
	phi2 := float64(gravity2 * cosine(angle1+angle2-math.Pi/2))
	phi1 := float64(float64(-half*float64(vel2*vel2))*sin2) -
		float64(float64(vel2*vel1)*sin2) +
		float64(gravity1*cosine(angle1-math.Pi/2)) +
		phi2
	acc2 := (torque + float64(d2/d1*phi1) - float64(float64(half*float64(vel1*vel1))*sin2) - phi2) /
		(inertia2 - float64(d2*d2)/d1)
	acc1 := -(float64(d2*acc2) + phi1) / d1
	return [4]float64{vel1, vel2, acc1, acc2}
}

// wrapAngle brings an angle into [-π, π] by whole turns.
func wrapAngle(x float64) float64 {
	for x > math.Pi {
		x -= 2 * math.Pi
	}
	for x < -math.Pi {
		x += 2 * math.Pi
	}
	return x
}

// MarshalBinary implements [Saver].
func (a *Acrobot) MarshalBinary() ([]byte, error) {
	return encode("acrobot", &a.random, &a.state, &a.running)
}

// UnmarshalBinary implements [Saver].
func (a *Acrobot) UnmarshalBinary(data []byte) error {
	next := *a
	if err := decode("acrobot", data, &next.random, &next.state, &next.running); err != nil {
		return err
	}
	for i, bound := range acrobotBounds {
		if !(math.Abs(next.state[i]) <= bound) { // also refuses NaN
			return fmt.Errorf("%w: component %d of the state is %v (acrobot)", errState, i, next.state[i])
		}
	}
	*a = next
	return nil
}

// joints returns the positions of the middle joint and of the free end, in link lengths from the pivot, y upwards.
func (a *Acrobot) joints() (x1, y1, x2, y2 float64) {
	sin1, cos1 := math.Sincos(a.state[0])
	sin2, cos2 := math.Sincos(a.state[0] + a.state[1])
	return sin1, -cos1, sin1 + sin2, -cos1 - cos2
}

// Text draws the links below the line that the free end has to cross and prints the state below.
func (a *Acrobot) Text() string {
	const perMetre, middle = 15.0, 34.0
	t := newTextCanvas(34, 17)
	x1, y1, x2, y2 := a.joints()
	for x := 0.0; x < 68; x += 6 {
		t.line(x, middle-perMetre, x+2, middle-perMetre, ansiGray)
	}
	for _, shift := range [][2]float64{{0, 0}, {1, 0}, {0, 1}} {
		dx, dy := middle+shift[0], middle+shift[1]
		t.line(dx, dy, dx+x1*perMetre, dy-y1*perMetre, ansiCyan)
		t.line(dx+x1*perMetre, dy-y1*perMetre, dx+x2*perMetre, dy-y2*perMetre, ansiYellow)
	}
	return t.String() + fmt.Sprintf("θ₁ %+.1f°  θ₂ %+.1f°  height %+.2f\n",
		a.state[0]*180/math.Pi, a.state[1]*180/math.Pi, y2)
}

// Frame draws the links on 500 × 500 pixels, and the line that the free end has to cross.
func (a *Acrobot) Frame() image.Image {
	const perMetre, middle = 500 / 4.4, 250.0
	p := newPicture(500, 500)
	x1, y1, x2, y2 := a.joints()
	x1, y1, x2, y2 = middle+x1*perMetre, middle-y1*perMetre, middle+x2*perMetre, middle-y2*perMetre
	p.fill(capsule(-10, middle-perMetre, 510, middle-perMetre, 1), color.RGBA{90, 90, 90, 255})
	for _, link := range []shape{capsule(middle, middle, x1, y1, 9), capsule(x1, y1, x2, y2, 9)} {
		p.fill(link, color.RGBA{0, 158, 160, 255})
	}
	for _, joint := range []shape{disc(middle, middle, 9), disc(x1, y1, 9)} {
		p.fill(joint, color.RGBA{230, 190, 40, 255})
	}
	return p.image
}
