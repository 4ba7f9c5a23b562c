package env

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
)

// errState is the cause of all refusals to restore a saved state.
var errState = errors.New("env: saved state does not fit")

// encode writes a saved state: its kind, then its parts in order, little-endian. A part is a pointer to a value or a
// slice of values of fixed size; a *[]byte or an encoding.BinaryMarshaler, written with its length before it.
func encode(kind string, parts ...any) ([]byte, error) {
	buf := appendBlob(nil, []byte(kind))
	for _, part := range parts {
		var err error
		switch p := part.(type) {
		case *[]byte:
			buf = appendBlob(buf, *p)
		case encoding.BinaryMarshaler:
			var blob []byte
			if blob, err = p.MarshalBinary(); err == nil {
				buf = appendBlob(buf, blob)
			}
		default:
			buf, err = binary.Append(buf, binary.LittleEndian, part)
		}
		if err != nil {
			return nil, fmt.Errorf("env: saving the state of %s: %w", kind, err)
		}
	}
	return buf, nil
}

// decode reads what encode wrote into parts of the same kinds and sizes. Parts may be half-written when it fails, so
// callers decode into a copy.
func decode(kind string, data []byte, parts ...any) error {
	name, data, err := cutBlob(data)
	if err != nil {
		return err
	}
	if !bytes.Equal(name, []byte(kind)) {
		return fmt.Errorf("%w: it is not of kind %s", errState, kind)
	}
	for _, part := range parts {
		switch p := part.(type) {
		case *[]byte:
			*p, data, err = cutBlob(data)
		case encoding.BinaryUnmarshaler:
			var blob []byte
			if blob, data, err = cutBlob(data); err == nil {
				err = p.UnmarshalBinary(blob)
			}
		default:
			n := binary.Size(part)
			if n > len(data) {
				return fmt.Errorf("%w: it is cut short (%s)", errState, kind)
			}
			// Decode reads []bool to the end of its input, so the input ends where the part does.
			_, err = binary.Decode(data[:max(n, 0)], binary.LittleEndian, part)
			data = data[max(n, 0):]
		}
		if err != nil {
			return err
		}
	}
	if len(data) != 0 {
		return fmt.Errorf("%w: %d bytes too many (%s)", errState, len(data), kind)
	}
	return nil
}

func appendBlob(buf, blob []byte) []byte {
	buf = binary.LittleEndian.AppendUint32(buf, uint32(len(blob)))
	return append(buf, blob...)
}

func cutBlob(data []byte) (blob, rest []byte, err error) {
	if len(data) < 4 || uint64(len(data)-4) < uint64(binary.LittleEndian.Uint32(data)) {
		return nil, nil, fmt.Errorf("%w: it is cut short", errState)
	}
	n := binary.LittleEndian.Uint32(data)
	return data[4 : 4+n], data[4+n:], nil
}

// saver returns the ability of the environment inside a wrapper to be saved.
func saver(e Env) (Saver, error) {
	if s, ok := e.(Saver); ok {
		return s, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrNotSaved, e)
}

// encodeAround saves a wrapper: its own parts and the environment inside.
func encodeAround(inner Env, kind string, parts ...any) ([]byte, error) {
	s, err := saver(inner)
	if err != nil {
		return nil, err
	}
	return encode(kind, append(parts, s)...)
}

// decodeAround restores a wrapper: its own parts first, which accept then judges, and the environment inside last, so
// that nothing can fail once that has changed.
func decodeAround(inner Env, kind string, data []byte, accept func() error, parts ...any) error {
	s, err := saver(inner)
	if err != nil {
		return err
	}
	var blob []byte
	if err := decode(kind, data, append(parts, &blob)...); err != nil {
		return err
	}
	if err := accept(); err != nil {
		return err
	}
	return s.UnmarshalBinary(blob)
}
