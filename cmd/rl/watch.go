package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"io"
	"math"
	"os"
	"regexp"
	"time"

	"golang.org/x/term"

	"relaxgo/internal/cli"
	"relaxgo/internal/run"
	"relaxgo/rl"
	"relaxgo/rl/env"
)

// rates are the environments' own frames per second, as in Gymnasium.
var rates = map[string]int{
	"Acrobot-v1": 15, "CartPole-v0": 50, "CartPole-v1": 50,
	"Taxi-v3": 4, "Taxi-v4": 4, "RainyTaxi-v4": 4, "FickleTaxi-v4": 4, "RainyFickleTaxi-v4": 4,
}

const otherRate = 10

// longestGIF bounds an animation, whose frames are all held in memory.
const longestGIF = 5_000

func watch(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("rl watch", flag.ContinueOnError)
	dir := fs.String("run", "", "`directory` of the run whose policy plays")
	episodes := fs.Int("episodes", 1, "`number` of episodes")
	seed := fs.Uint64("seed", 1, "`number` that the first episode derives from; the next one has the next number")
	sample := fs.Bool("sample", false, "draw actions from the policy instead of taking the most probable ones")
	fps := fs.Int("fps", 0, "frames per second, a `number` from 1 to 100 (default: the environment's); an animation shows each for the nearest number of hundredths of a second")
	file := fs.String("gif", "", "write an animation to this `file` instead of showing text")
	cmd := cli.Command{
		Name: "rl watch", Purpose: "shows the policy of a run at play.", Flags: fs,
		Examples: []string{
			"go run ./cmd/rl watch -run=results/rl/taxi/a2c/seed-1",
			"go run ./cmd/rl watch -run=results/rl/cartpole/relax/seed-1 -gif=cartpole.gif",
		},
	}
	if err := cmd.Parse(args, stdout); err != nil {
		return err
	}
	if *episodes < 1 || *episodes > 1000 {
		return cli.Hint(cli.Usagef("-episodes=%d: needs 1 to 1000 episodes", *episodes), "-episodes=1 is the default")
	}
	if *fps < 0 || *fps > 100 {
		return cli.Hint(cli.Usagef("-fps=%d: needs 1 to 100 frames per second", *fps), "-fps=0 is the environment's own rate")
	}
	policy, err := load(*dir)
	if err != nil {
		return err
	}
	if *fps == 0 {
		if *fps = rates[policy.Config().Env]; *fps == 0 {
			*fps = otherRate
		}
	}
	var s screen = &terminal{ctx: ctx, out: stdout, live: term.IsTerminal(int(os.Stdout.Fd())), pause: time.Second / time.Duration(*fps)}
	if *file != "" {
		s = &animation{ctx: ctx, delay: int(math.Round(100 / float64(*fps)))}
	}
	for k := range *episodes {
		var last rl.Watched
		err := policy.Watch(*seed+uint64(k), !*sample, func(w rl.Watched) error {
			last = w
			renderer, ok := env.As[env.Renderer](w.Env)
			if !ok {
				return cli.Hint(fmt.Errorf("%s cannot be shown: it has no renderer", policy.Config().Env), "rl eval says how well the policy plays")
			}
			return s.show(renderer, w)
		})
		if errors.Is(err, context.Canceled) {
			if *file != "" {
				return fmt.Errorf("%w, nothing was written", cli.ErrInterrupted)
			}
			return nil // whoever watches may leave
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "seed %d: return %g in %d steps, %s\n", *seed+uint64(k), last.Return, last.Step, ending(last.Result))
	}
	if a, ok := s.(*animation); ok {
		return a.write(*file)
	}
	return nil
}

func ending(r env.Result) string {
	if r.Terminated {
		return "terminated"
	}
	return "cut off by the time limit"
}

// screen is where moments of an episode are shown.
type screen interface {
	show(r env.Renderer, w rl.Watched) error
}

// terminal shows text: one moment in place of the other on a real one, one below the other and without colours elsewhere.
type terminal struct {
	ctx   context.Context
	out   io.Writer
	live  bool
	pause time.Duration
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")

func (t *terminal) show(r env.Renderer, w rl.Watched) error {
	text := r.Text()
	if t.live {
		text = "\x1b[H\x1b[2J" + text
	} else {
		text = escapes.ReplaceAllString(text, "")
	}
	if _, err := fmt.Fprintf(t.out, "%s\nstep %d  return %g\n", text, w.Step, w.Return); err != nil {
		return err
	}
	if !t.live {
		return t.ctx.Err()
	}
	select {
	case <-t.ctx.Done():
		return t.ctx.Err()
	case <-time.After(t.pause):
		return nil
	}
}

// animation collects pictures.
type animation struct {
	ctx    context.Context
	delay  int // between frames, in hundredths of a second
	frames gif.GIF
}

func (a *animation) show(r env.Renderer, _ rl.Watched) error {
	if len(a.frames.Image) == longestGIF {
		return cli.Hint(fmt.Errorf("the animation would have more than %d frames", longestGIF), "fewer -episodes make fewer")
	}
	a.frames.Image = append(a.frames.Image, paletted(r.Frame()))
	a.frames.Delay = append(a.frames.Delay, a.delay)
	return a.ctx.Err()
}

func (a *animation) write(path string) error {
	if err := run.WriteFile(path, func(w io.Writer) error { return gif.EncodeAll(w, &a.frames) }); err != nil {
		return cli.Hint(err, "name another file with -gif")
	}
	return nil
}

// paletted is a picture in its own colours, if they are 256 at most, else in those of Plan 9.
func paletted(src image.Image) *image.Paletted {
	bounds := src.Bounds()
	var colours color.Palette
	seen := make(map[color.RGBA]bool)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := color.RGBAModel.Convert(src.At(x, y)).(color.RGBA)
			if !seen[c] {
				seen[c] = true
				colours = append(colours, c)
			}
			if len(colours) > 256 {
				dst := image.NewPaletted(bounds, palette.Plan9)
				draw.FloydSteinberg.Draw(dst, bounds, src, bounds.Min)
				return dst
			}
		}
	}
	dst := image.NewPaletted(bounds, colours)
	draw.Draw(dst, bounds, src, bounds.Min, draw.Src)
	return dst
}
