package env

import (
	"image"
	"image/color"
	"image/draw"
	"math"
)

// picture is an image on which shapes are filled.
type picture struct{ image *image.RGBA }

func newPicture(width, height int) picture {
	p := picture{image.NewRGBA(image.Rect(0, 0, width, height))}
	draw.Draw(p.image, p.image.Bounds(), image.White, image.Point{}, draw.Src)
	return p
}

func (p picture) fill(s shape, c color.Color) {
	at := s.bounds.Intersect(p.image.Bounds())
	draw.DrawMask(p.image, at, image.NewUniform(c), image.Point{}, s, at.Min, draw.Over)
}

// shape is a figure with a smooth edge, given by the distance of a point from the edge, negative inside. It is an
// image of opacities, the mask of image/draw.
type shape struct {
	bounds   image.Rectangle
	distance func(x, y float64) float64
}

func newShape(x0, y0, x1, y1 float64, distance func(x, y float64) float64) shape {
	return shape{image.Rect(int(math.Floor(x0))-1, int(math.Floor(y0))-1, int(math.Ceil(x1))+1, int(math.Ceil(y1))+1), distance}
}

func (s shape) ColorModel() color.Model { return color.AlphaModel }
func (s shape) Bounds() image.Rectangle { return s.bounds }

// At returns the opacity of a pixel: that part of it, about, which lies inside.
func (s shape) At(x, y int) color.Color {
	inside := 0.5 - s.distance(float64(x)+0.5, float64(y)+0.5)
	return color.Alpha{A: uint8(255*min(max(inside, 0), 1) + 0.5)}
}

// outline is the border of a shape, inside it and of the given width.
func (s shape) outline(width float64) shape {
	return shape{s.bounds, func(x, y float64) float64 { return math.Abs(s.distance(x, y)+width/2) - width/2 }}
}

// capsule is a line with round ends and the given half width.
func capsule(x0, y0, x1, y1, radius float64) shape {
	dx, dy := x1-x0, y1-y0
	length2 := dx*dx + dy*dy
	return newShape(min(x0, x1)-radius, min(y0, y1)-radius, max(x0, x1)+radius, max(y0, y1)+radius, func(x, y float64) float64 {
		along := 0.0
		if length2 > 0 {
			along = min(max(((x-x0)*dx+(y-y0)*dy)/length2, 0), 1)
		}
		return math.Hypot(x-x0-along*dx, y-y0-along*dy) - radius
	})
}

func disc(x, y, radius float64) shape { return capsule(x, y, x, y, radius) }

// box is a rectangle with rounded corners.
func box(x0, y0, x1, y1, radius float64) shape {
	cx, cy, halfW, halfH := (x0+x1)/2, (y0+y1)/2, (x1-x0)/2-radius, (y1-y0)/2-radius
	return newShape(x0, y0, x1, y1, func(x, y float64) float64 {
		dx, dy := math.Abs(x-cx)-halfW, math.Abs(y-cy)-halfH
		return math.Hypot(max(dx, 0), max(dy, 0)) + min(max(dx, dy), 0) - radius
	})
}
