//go:build unix

package doctest

import (
	"os/exec"
	"path/filepath"
	"testing"
)

func TestFunctions(t *testing.T) {
	t.Parallel()
	need(t, "aws", "bash", "python3")
	recent(t)
	if exec.CommandContext(t.Context(), "python3", "-c", "import boto3").Run() != nil {
		lacking(t, "Python has no boto3 (Debian: apt-get install python3-boto3)")
	}
	all := page(t, "lambda.md")
	s := open(t, all)
	write(t, filepath.Join(s.dir, "size.py"), of(t, all, "program: python")[0].text)
	write(t, filepath.Join(s.dir, "wait.sh"), of(t, all, "program: shell")[0].text)
	s.run(t, of(t, all, "run: lambda"))
}
