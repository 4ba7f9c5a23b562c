package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
)

// A change is a configuration key whose value differs between two runs. The
// values are JSON, or "absent".
type change struct{ key, was, now string }

// changes lists the leaves in which two JSON documents differ, by sorted key.
// A key is dotted ("model.hidden"); an array counts as one leaf.
func changes(was, now []byte) ([]change, error) {
	old, err := leaves(was)
	if err != nil {
		return nil, err
	}
	present, err := leaves(now)
	if err != nil {
		return nil, err
	}
	keys := maps.Clone(old)
	maps.Copy(keys, present)
	var list []change
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		a, b := value(old, key), value(present, key)
		if a != b {
			list = append(list, change{key, a, b})
		}
	}
	return list, nil
}

func value(m map[string]string, key string) string {
	if v, ok := m[key]; ok {
		return v
	}
	return "absent"
}

func leaves(data []byte) (map[string]string, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // A seed of 64 bits does not survive float64.
	var doc any
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	if object, ok := doc.(map[string]any); !ok || len(object) == 0 {
		return nil, errors.New("it holds no settings")
	}
	m := make(map[string]string)
	return m, collect(m, "", doc)
}

func collect(m map[string]string, prefix string, v any) error {
	if object, ok := v.(map[string]any); ok && len(object) > 0 {
		for name, x := range object {
			if prefix != "" {
				name = prefix + "." + name
			}
			if err := collect(m, name, x); err != nil {
				return err
			}
		}
		return nil
	}
	text, err := json.Marshal(v)
	m[prefix] = string(text)
	return err
}

// within tells whether key is one of keys or lies below one of them.
func within(key string, keys []string) bool {
	return slices.ContainsFunc(keys, func(k string) bool {
		return key == k || strings.HasPrefix(key, k+".")
	})
}
