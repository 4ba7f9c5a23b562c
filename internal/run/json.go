package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// WriteJSON writes v to path as [WriteFile] does: indented by two spaces, the
// fields of structs in their order and the keys of maps sorted, a newline at
// the end. JSON knows neither NaN nor infinity: such a value is an error that
// names its key, and nothing is written.
func WriteJSON(path string, v any) error {
	data, err := encodeJSON(v)
	if err != nil {
		return failed("write", path, err)
	}
	return writeBytes(path, data)
}

func writeBytes(path string, data []byte) error {
	return WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

func encodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	var unsupported *json.UnsupportedValueError
	if errors.As(err, &unsupported) && unsupported.Value.CanFloat() {
		if key, x, found := nonFinite(reflect.ValueOf(v), ""); found {
			return nil, fmt.Errorf("%s is %v, which JSON cannot hold", key, x)
		}
	}
	if err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// nonFinite finds the first NaN or infinity in v, in the order of its JSON, and
// the dotted key at which it stands.
func nonFinite(v reflect.Value, key string) (string, float64, bool) {
	join := func(name string) string {
		if key == "" {
			return name
		}
		return key + "." + name
	}
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		x := v.Float()
		return key, x, math.IsNaN(x) || math.IsInf(x, 0)
	case reflect.Pointer, reflect.Interface:
		return nonFinite(v.Elem(), key)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if k, x, found := nonFinite(v.Index(i), join(strconv.Itoa(i))); found {
				return k, x, true
			}
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, k := range keys {
			if k, x, found := nonFinite(v.MapIndex(k), join(fmt.Sprint(k))); found {
				return k, x, true
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			at := join(name)
			switch {
			case name == "-" || !field.IsExported() && !field.Anonymous:
				continue
			case name == "" && field.Anonymous:
				at = key
			case name == "":
				at = join(field.Name)
			}
			if k, x, found := nonFinite(v.Field(i), at); found {
				return k, x, true
			}
		}
	}
	return "", 0, false
}
