package plots

import (
	"slices"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
)

// blot is a figure with a grey rectangle of the given size.
func blot(t *testing.T, width, height vg.Length, caption string) Figure {
	t.Helper()
	fig, err := newFigure(width, height, caption, func(c draw.Canvas) {
		c.SetColor(grey)
		c.Fill(within(c, c.Min.X, c.Max.Y-height, width, height).Path())
	})
	if err != nil {
		t.Fatal(err)
	}
	return fig
}

// Figures keep their size and their captions, and lie below one another with two margins between.
func TestStack(t *testing.T) {
	fig, err := Stack("Both.", blot(t, 500*px, 100*px, "First."), blot(t, 600*px, 50*px, ""))
	if err != nil {
		t.Fatal(err)
	}
	if texts := checkLayout(t, fig); !slices.Equal(texts, []string{"First.", "Both."}) {
		t.Errorf("the texts are %q", texts)
	}
	var rec recorder.Canvas
	fig.draw(draw.NewCanvas(&rec, fig.width, fig.height))
	var filled []vg.Rectangle
	colour := rec.Actions[0]
	for _, action := range rec.Actions {
		switch a := action.(type) {
		case *recorder.SetColor:
			colour = a
		case *recorder.Fill:
			if colour.(*recorder.SetColor).Color == grey {
				filled = append(filled, bounds(a.Path[0].Pos, a.Path[2].Pos))
			}
		}
	}
	top := fig.height - margin
	first := 100*px + captionGap + captionLead + 2*margin
	for i, want := range []vg.Rectangle{
		{Min: vg.Point{X: margin, Y: top - 100*px}, Max: vg.Point{X: margin + 500*px, Y: top}},
		{Min: vg.Point{X: margin, Y: top - first - 50*px}, Max: vg.Point{X: margin + 600*px, Y: top - first}},
	} {
		if got := filled[i]; !nearPoint(got.Min, want.Min) || !nearPoint(got.Max, want.Max) {
			t.Errorf("figure %d is drawn at %v, want %v", i, got, want)
		}
	}
	if want := 600*px + 2*margin; !nearPoint(vg.Point{X: fig.width}, vg.Point{X: want}) {
		t.Errorf("the width is %v, want %v", fig.width, want)
	}
	if want := first + 50*px + captionGap + captionLead + 2*margin; !nearPoint(vg.Point{X: fig.height}, vg.Point{X: want}) {
		t.Errorf("the height is %v, want %v", fig.height, want)
	}
}

func nearPoint(a, b vg.Point) bool {
	d := a.Sub(b)
	return max(d.X, -d.X, d.Y, -d.Y) < 1e-6
}

func TestStackErrors(t *testing.T) {
	_, err := Stack("")
	checkError(t, "nothing", err, "no figures")
	_, err = Stack("", blot(t, px, px, ""), Figure{})
	checkError(t, "empty", err, "figure 1", "empty")
	_, err = Stack("\x00", blot(t, px, px, ""))
	checkError(t, "caption", err, "caption")
}
