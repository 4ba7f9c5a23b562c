package env

import (
	"fmt"
	"image"
	"image/color"
	"math"
)

// CartPole is Gymnasium's CartPole-v1 without its time limit: a pole on a cart that is pushed left (action 0) or right
// (action 1) by 10 N every 0.02 s. The observation is (x, ẋ, θ, θ̇) in metres, radians and seconds, θ growing to the
// right. The four values start uniform in [-0.05, 0.05). Every step is rewarded with 1. The episode terminates when
// |x| > 2.4 or |θ| > 12°.
//
// Equations and Euler integration are those of Barto, Sutton and Anderson, Neuronlike Adaptive Elements That Can Solve
// Difficult Learning Control Problems (1983), as corrected by Florian (https://coneural.org/florian/papers/05_cart_pole.pdf).
type CartPole struct {
	random  Rand
	state   [4]float64 // x, ẋ, θ, θ̇
	running bool
}

var _ interface {
	Env
	Renderer
	Saver
} = (*CartPole)(nil)

var cartPoleSpace = Space{Actions: 2, Size: 4}

// Limits of CartPole. The angle is 12·2π/360 evaluated in float64 from the left, as Gymnasium does; the exact product
// rounds to another number.
const (
	cartLimit = 2.4
	poleLimit = 0.20943951023931953
)

// NewCartPole returns a CartPole with seed 0.
func NewCartPole() *CartPole { return &CartPole{random: NewRand(0)} }

// Space returns 2 actions and 4 real numbers.
func (c *CartPole) Space() Space { return cartPoleSpace }

// Seed implements [Env].
func (c *CartPole) Seed(seed uint64) { c.random.Seed(seed) }

// Reset implements [Env].
func (c *CartPole) Reset(obs []float32) error {
	if err := resetError(obs, len(c.state)); err != nil {
		return err
	}
	for i := range c.state {
		c.state[i] = c.random.Uniform(-0.05, 0.05)
	}
	c.running = true
	c.observe(obs)
	return nil
}

// Step implements [Env].
func (c *CartPole) Step(action int, obs []float32) (Result, error) {
	if !c.running || uint(action) > 1 || len(obs) != len(c.state) {
		return Result{}, stepError(c.running, action, obs, cartPoleSpace)
	}
	force := -10.0
	if action == 1 {
		force = 10
	}
	sin, cos := sincos(c.state[2])
	c.state = cartPoleStep(c.state, force, sin, cos)
	c.observe(obs)
	terminated := math.Abs(c.state[0]) > cartLimit || math.Abs(c.state[2]) > poleLimit
	c.running = !terminated
	return Result{Reward: 1, Terminated: terminated}, nil
}

func (c *CartPole) observe(obs []float32) {
	_ = obs[3]
	obs[0], obs[1] = float32(c.state[0]), float32(c.state[1])
	obs[2], obs[3] = float32(c.state[2]), float32(c.state[3])
}

// cartPoleStep advances the state by one Euler step, given sine and cosine of the angle. The order of operations is
// that of Gymnasium and decides the last bits.
func cartPoleStep(s [4]float64, force, sin, cos float64) [4]float64 {
	const (
		gravity    = 9.8
		poleMass   = 0.1
		totalMass  = 1.1
		length     = 0.5 // half the pole
		massLength = 0.05
		tau        = 0.02
	)
	x, v, angle, spin := s[0], s[1], s[2], s[3]
	temp := (force + float64(float64(massLength*float64(spin*spin))*sin)) / totalMass
	angular := (float64(gravity*sin) - float64(cos*temp)) /
		(length * (4.0/3 - float64(poleMass*float64(cos*cos))/totalMass))
	linear := temp - float64(float64(massLength*angular)*cos)/totalMass
	return [4]float64{
		x + float64(tau*v),
		v + float64(tau*linear),
		angle + float64(tau*spin),
		spin + float64(tau*angular),
	}
}

// MarshalBinary implements [Saver].
func (c *CartPole) MarshalBinary() ([]byte, error) {
	return encode("cartpole", &c.random, &c.state, &c.running)
}

// UnmarshalBinary implements [Saver].
func (c *CartPole) UnmarshalBinary(data []byte) error {
	next := *c
	if err := decode("cartpole", data, &next.random, &next.state, &next.running); err != nil {
		return err
	}
	for i, x := range next.state {
		if !(math.Abs(x) <= math.MaxFloat32) { // also refuses NaN
			return fmt.Errorf("%w: component %d of the state is %v (cartpole)", errState, i, x)
		}
	}
	*c = next
	return nil
}

// Text draws cart and pole and prints the state below.
func (c *CartPole) Text() string {
	const perMetre = 25.0 // 120 dots are 4.8 m
	t := newTextCanvas(60, 9)
	x, tipX, tipY := c.state[0], c.state[0]+math.Sin(c.state[2]), math.Cos(c.state[2])
	column := func(x float64) float64 { return (x + cartLimit) * perMetre }
	const ground, axle = 35.0, 28.0
	t.line(0, ground, 119, ground, ansiGray)
	for dy := axle; dy < ground; dy++ {
		t.line(column(x)-8, dy, column(x)+8, dy, ansiBlue)
	}
	for dx := -0.5; dx <= 0.5; dx++ {
		t.line(column(x)+dx, axle, column(tipX)+dx, axle-tipY*perMetre, ansiYellow)
	}
	return t.String() + fmt.Sprintf("x %+.3f m  %+.3f m/s   θ %+.2f°  %+.2f°/s\n",
		x, c.state[1], c.state[2]*180/math.Pi, c.state[3]*180/math.Pi)
}

// Frame draws cart and pole on 600 × 400 pixels.
func (c *CartPole) Frame() image.Image {
	const perMetre, ground, half = 600 / (2 * cartLimit), 300.0, 25.0
	p := newPicture(600, 400)
	x := 300 + c.state[0]*perMetre
	p.fill(capsule(-10, ground, 610, ground, 1), color.RGBA{90, 90, 90, 255})
	p.fill(box(x-half, ground-30, x+half, ground, 4), color.RGBA{40, 44, 52, 255})
	p.fill(capsule(x, ground-22, x+math.Sin(c.state[2])*perMetre, ground-22-math.Cos(c.state[2])*perMetre, 5), color.RGBA{202, 152, 101, 255})
	p.fill(disc(x, ground-22, 5), color.RGBA{129, 132, 203, 255})
	return p.image
}
