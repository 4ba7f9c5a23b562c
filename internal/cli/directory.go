package cli

import "errors"

// Directory is a flag for a directory. It must have a name: an empty one, such
// as an unset variable of the shell leaves, would scatter files.
type Directory string

func (d *Directory) String() string { return string(*d) }

// Set implements flag.Value.
func (d *Directory) Set(text string) error {
	if text == "" {
		return errors.New("must name a directory; . is the current one")
	}
	*d = Directory(text)
	return nil
}
