package plots

import (
	"errors"
	"fmt"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Stack puts figures one below the other, flush left and as they are, with one
// caption below all: pictures that do not share their axes or their colours. The
// zero Figure cannot be stacked; no figures are an error too.
func Stack(caption string, figures ...Figure) (Figure, error) {
	if len(figures) == 0 {
		return Figure{}, errors.New("there are no figures to stack")
	}
	width, height := vg.Length(0), -2*margin
	for i, f := range figures {
		if f.draw == nil {
			return Figure{}, fmt.Errorf("figure %d of the stack is empty", i)
		}
		width, height = max(width, f.width-2*margin), height+f.height
	}
	return newFigure(width, height, caption, func(c draw.Canvas) {
		// The margins of one figure are the space before the next.
		y := c.Max.Y + margin
		for _, f := range figures {
			y -= f.height
			f.draw(within(c, c.Min.X-margin, y, f.width, f.height))
		}
	})
}
