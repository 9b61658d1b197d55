// Command cmd writes the generated files of internal/api into the current
// folder; `go generate ./internal/api` runs it there.
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"

	"penstock/internal/apigen"
)

func main() {
	log.SetFlags(0)
	model := flag.String("model", "../../model/codepipeline-2015-07-09.json", "service model to read")
	out := flag.String("out", ".", "folder to write to")
	flag.Parse()
	if err := run(*model, *out); err != nil {
		log.Fatal(err)
	}
}

func run(model, out string) error {
	data, err := os.ReadFile(model)
	if err != nil {
		return err
	}
	files, err := apigen.Generate(data)
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(out, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
