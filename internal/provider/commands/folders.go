package commands

import (
	"os"
	"path/filepath"

	"penstock/jobworker"
)

// folders is where the parts of one action lie, all below one folder.
type folders struct {
	src    string   // working root: the first input artifact
	home   string   // HOME
	tmp    string   // TMPDIR, and room for what is transferred
	state  string   // what one command hands to the next
	inputs []string // by input artifact; the first is src
}

func makeFolders(dir string, j jobworker.Job) (folders, error) {
	f := folders{
		src: filepath.Join(dir, "src"), home: filepath.Join(dir, "home"),
		tmp: filepath.Join(dir, "tmp"), state: filepath.Join(dir, "state"),
	}
	for i, a := range j.Inputs {
		path := filepath.Join(dir, "inputs", a.Name)
		if i == 0 {
			path = f.src
		}
		f.inputs = append(f.inputs, path)
	}
	for _, path := range append([]string{f.home, f.tmp, f.state}, f.inputs...) {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return f, jobworker.Permanent(jobworker.SystemUnavailable, "Cannot make the action's folders: %v", err)
		}
	}
	return f, nil
}
