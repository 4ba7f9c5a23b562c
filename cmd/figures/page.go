package main

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"html/template"
	"image/png"
	"io"
	"path/filepath"
	"strings"

	"relaxgo/internal/run"
)

const pageFile = "index.html"

//go:embed page.html
var pageText string

// markup is the page without its figures.
var markup = template.Must(template.New(pageFile).Parse(pageText))

// page shows figures with what is said about them. It needs no other file. Its fields are those of page.html.
type page struct {
	Quick    bool
	Sections []section
}

// section is a figure on the page.
type section struct {
	ID, Label, Title string
	Picture          template.URL // the picture itself
	Width            int          // of the picture, in pixels of CSS
	Paragraphs       []string     // of the caption, but for the command
	Command          string
	Original         string
	Table            *pageTable
}

type pageTable struct {
	Head []string
	Rows [][]string
}

// add puts a figure below the others. Its caption becomes text of the page.
func (p *page) add(f figure, command string) error {
	s := section{ID: f.name, Title: f.title, Original: f.original}
	if number, ok := strings.CutPrefix(f.name, "fig"); ok {
		s.Label = "Figure " + number + ". "
	}
	text := f.Caption()
	if i := strings.LastIndex(text, strings.TrimSuffix(command, quickFlag)); i >= 0 {
		text, s.Command = text[:i], text[i:]
	}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		s.Paragraphs = append(s.Paragraphs, strings.TrimSpace(line))
	}
	if f.table != nil {
		s.Table = &pageTable{f.table.head, f.table.rows}
	}
	var err error
	if s.Picture, s.Width, err = picture(f); err != nil {
		return err
	}
	p.Sections = append(p.Sections, s)
	return nil
}

// picture is a figure without its caption as an address that holds it all, and its width. Of its two forms, which are
// both sharp, it takes the shorter one.
func picture(f figure) (address template.URL, width int, err error) {
	bare, err := f.WithoutCaption()
	if err != nil {
		return "", 0, err
	}
	data, err := bare.PNG()
	if err != nil {
		return "", 0, err
	}
	size, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return "", 0, err
	}
	vector, err := bare.SVG()
	if err != nil {
		return "", 0, err
	}
	kind := "image/png"
	if len(vector) < len(data) {
		data, kind = vector, "image/svg+xml"
	}
	return template.URL("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data)), size.Width / 2, nil
}

// write writes the page into a directory.
func (p *page) write(dir string) error {
	return run.WriteFile(filepath.Join(dir, pageFile), func(w io.Writer) error { return markup.Execute(w, p) })
}
