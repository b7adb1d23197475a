// goyaml reads YAML documents on stdin and prints each as one line of JSON, as Go programs read them:
//
//	goyaml v2   sigs.k8s.io/yaml (Kubernetes and Helm: YAML 1.1 scalars)
//	goyaml v3   gopkg.in/yaml.v3 (YAML 1.2 scalars, except for booleans asked for by type)
//
// A document that the library refuses ends it with exit status 1 and the library's message.
// Duplicate keys are refused by both, as Helm and kubectl do.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	yaml3 "gopkg.in/yaml.v3"
	k8syaml "k8s.io/apimachinery/pkg/util/yaml"
	yaml2 "sigs.k8s.io/yaml"
)

func printV2(in io.Reader, out io.Writer) error {
	reader := k8syaml.NewYAMLReader(bufio.NewReader(in))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		text, err := yaml2.YAMLToJSONStrict(document)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%s\n", bytes.TrimSpace(text)); err != nil {
			return err
		}
	}
}

// jsonable turns the maps with other than string keys that yaml.v3 may give into what JSON can hold.
func jsonable(value any) any {
	switch v := value.(type) {
	case map[any]any:
		m := make(map[string]any, len(v))
		for key, item := range v {
			m[fmt.Sprint(key)] = jsonable(item)
		}
		return m
	case map[string]any:
		for key, item := range v {
			v[key] = jsonable(item)
		}
	case []any:
		for i, item := range v {
			v[i] = jsonable(item)
		}
	}
	return value
}

func printV3(in io.Reader, out io.Writer) error {
	decoder := yaml3.NewDecoder(in)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for {
		var value any
		if err := decoder.Decode(&value); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := encoder.Encode(jsonable(value)); err != nil {
			return err
		}
	}
}

func main() {
	printers := map[string]func(io.Reader, io.Writer) error{"v2": printV2, "v3": printV3}
	if len(os.Args) != 2 || printers[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: goyaml v2|v3 < documents.yaml")
		os.Exit(2)
	}
	out := bufio.NewWriter(os.Stdout)
	err := printers[os.Args[1]](os.Stdin, out)
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "goyaml:", err)
		os.Exit(1)
	}
}
