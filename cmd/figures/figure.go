package main

import "relaxgo/plots"

// figure is one figure of the page: what is drawn and what is said about it.
type figure struct {
	plots.Figure        // with its caption below
	name         string // of its files, without extension: fig4
	title        string // a few words
	caption      string // what is shown, with seed, n and the command; the same as in the picture
	original     string // what the report's figure shows and where it misleads; empty if the report has none
	table        *table // the numbers behind it; nil: none
}

// table is a table of the page.
type table struct {
	head []string
	rows [][]string // as long as head
}
