// Package awscli lets tests use whichever AWS CLI is installed.
package awscli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Install writes a command "aws" into the folder and returns its path. It runs
// the AWS CLI that is installed against AWS_ENDPOINT_URL, which releases before
// 1.29 and 2.13 (Debian 12 has 2.9) do not read themselves. The error is
// exec.ErrNotFound when none is installed.
func Install(dir string) (string, error) {
	real, err := exec.LookPath("aws")
	if err != nil {
		return "", err
	}
	script := "#!/bin/sh\nexec '" + real + `' ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} "$@"` + "\n"
	path := filepath.Join(dir, "aws")
	return path, os.WriteFile(path, []byte(script), 0o755)
}

// Recent reports whether the installed AWS CLI knows the CodePipeline of
// November 2024 (releases 1.36 and 2.19): pipeline types, Commands, conditions.
func Recent() bool {
	out, err := exec.Command("aws", "--version").CombinedOutput()
	var major, minor int
	if _, scan := fmt.Sscanf(string(out), "aws-cli/%d.%d.", &major, &minor); err != nil || scan != nil {
		return false
	}
	return major == 1 && minor >= 36 || major == 2 && minor >= 19 || major > 2
}
