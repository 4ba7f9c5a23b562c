package plots

import (
	"cmp"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// section is a part of a figure of images: rows below headings.
type section struct {
	title    string   // left of the headings; may be empty
	headings []string // of the blocks; nil if there are none
	rows     []imageRow
}

// imageRow is images and, left of them, what they are: a name, a value and a
// note below, each of which may be empty.
type imageRow struct {
	name, value, note string
	blocks            []block // side by side
}

// block is images in the given number of columns.
type block struct {
	images  Images
	columns int
}

// Sizes of a figure of images.
const (
	nameGap     = 10 * px // between names and images
	noteWidth   = 180 * px
	noteLead    = 16 * px
	blockGap    = 24 * px
	headingLead = 22 * px
	sectionGap  = 8 * px
)

// imageRows draws sections one below the other. All images are of one size, and
// scale is the size of their pixels.
func imageRows(scale vg.Length, sections []section, caption string) (Figure, error) {
	left, height := vg.Length(0), -sectionGap
	for _, s := range sections {
		if err := s.check(); err != nil {
			return Figure{}, err
		}
		left = max(left, boldFace.Width(s.title))
		for _, r := range s.rows {
			left = max(left, r.textWidth())
		}
		height += s.height(scale) + sectionGap
	}
	if left > 0 {
		left = wholePixels(left + nameGap)
	}
	widths := columnWidths(scale, sections)
	width := left - blockGap
	for _, w := range widths {
		width += w + blockGap
	}
	return newFigure(width, height, caption, func(c draw.Canvas) {
		at := vg.Point{X: c.Min.X + left, Y: c.Max.Y}
		for _, s := range sections {
			s.draw(c, at, scale, widths)
			at.Y -= s.height(scale) + sectionGap
		}
	})
}

// columnWidths is how wide the blocks of one place in their rows, or their
// headings, are at most.
func columnWidths(scale vg.Length, sections []section) []vg.Length {
	var widths []vg.Length
	widen := func(i int, w vg.Length) {
		if i == len(widths) {
			widths = append(widths, 0)
		}
		widths[i] = max(widths[i], wholePixels(w))
	}
	for _, s := range sections {
		for _, r := range s.rows {
			for i, b := range r.blocks {
				widen(i, b.width(scale))
			}
		}
		for i, text := range s.headings {
			widen(i, noteFace.Width(text))
		}
	}
	return widths
}

// check returns an error if a text cannot be drawn.
func (s section) check() error {
	if err := checkText("title", s.title); err != nil {
		return err
	}
	for _, r := range s.rows {
		if err := cmp.Or(checkText("name", r.name), checkText("note", r.note)); err != nil {
			return err
		}
	}
	return nil
}

func (s section) headed() bool { return s.title != "" || s.headings != nil }

func (s section) height(scale vg.Length) vg.Length {
	height := vg.Length(0)
	for i, r := range s.rows {
		if i > 0 {
			height += r.gap(scale)
		}
		height += r.height(scale)
	}
	if s.headed() {
		height += headingLead
	}
	return height
}

// draw draws s with the upper left corner of its images, or of their headings, at at.
func (s section) draw(c draw.Canvas, at vg.Point, scale vg.Length, widths []vg.Length) {
	if s.headed() {
		heading := vg.Point{X: at.X, Y: at.Y - headingLead/2}
		drawText(c, boldFace, ink, vg.Point{X: at.X - nameGap, Y: heading.Y}, rightAligned, s.title)
		for i, text := range s.headings {
			drawText(c, noteFace, faint, heading, leftAligned, text)
			heading.X += widths[i] + blockGap
		}
		at.Y -= headingLead
	}
	for _, r := range s.rows {
		r.draw(c, at, scale, widths)
		at.Y -= r.height(scale) + r.gap(scale)
	}
}

// notes are the lines of the note.
func (r imageRow) notes() []string { return wrap(noteFace, r.note, noteWidth) }

// label is the name as it stands before the value.
func (r imageRow) label() string {
	if r.value == "" {
		return r.name
	}
	return r.name + "  "
}

func (r imageRow) textWidth() vg.Length {
	width := labelFace.Width(r.label()) + boldFace.Width(r.value)
	for _, line := range r.notes() {
		width = max(width, noteFace.Width(line))
	}
	return width
}

func (r imageRow) height(scale vg.Length) vg.Length {
	height := vg.Length(0)
	if r.name != "" {
		height = noteLead * vg.Length(1+len(r.notes()))
	}
	for _, b := range r.blocks {
		height = max(height, b.height(scale))
	}
	return height
}

// gap is the space between rows, that between images.
func (r imageRow) gap(scale vg.Length) vg.Length {
	return scale * vg.Length(gap(r.blocks[0].images))
}

// draw draws r with the upper left corner of its images at at.
func (r imageRow) draw(c draw.Canvas, at vg.Point, scale vg.Length, widths []vg.Length) {
	notes := r.notes()
	end := vg.Point{X: at.X - nameGap, Y: at.Y - r.height(scale)/2 + noteLead*vg.Length(len(notes))/2}
	width := drawText(c, boldFace, ink, end, rightAligned, r.value)
	drawText(c, labelFace, ink, vg.Point{X: end.X - width, Y: end.Y}, rightAligned, r.label())
	for _, line := range notes {
		end.Y -= noteLead
		drawText(c, noteFace, faint, end, rightAligned, line)
	}
	for i, b := range r.blocks {
		c.DrawImage(vg.Rectangle{
			Min: vg.Point{X: at.X, Y: at.Y - b.height(scale)},
			Max: vg.Point{X: at.X + b.width(scale), Y: at.Y},
		}, mosaic(b.images, b.columns))
		at.X += widths[i] + blockGap
	}
}

func (b block) width(scale vg.Length) vg.Length {
	return scale * vg.Length(b.columns*(b.images.Cols+gap(b.images))-gap(b.images))
}

func (b block) height(scale vg.Length) vg.Length {
	rows := (b.images.count() + b.columns - 1) / b.columns
	return scale * vg.Length(rows*(b.images.Rows+gap(b.images))-gap(b.images))
}
