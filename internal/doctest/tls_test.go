//go:build linux

package doctest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestTLS pastes the page into a host of its own: a network namespace in which
// AWS's names can lead nowhere but to the server, with its own hosts file.
func TestTLS(t *testing.T) {
	t.Parallel()
	need(t, "aws", "bash", "curl", "ip", "python3", "unshare")
	own := []string{"--net", "--mount"}
	if os.Geteuid() != 0 {
		own = append(own, "--map-root-user")
	}
	if out, err := exec.CommandContext(t.Context(), "unshare", append(own, "true")...).CombinedOutput(); err != nil {
		t.Skipf("this machine gives us no namespace: %v\n%s", err, out)
	}
	all := page(t, "tls.md")
	marks := []string{"run: init", "run: server", "run: client"}
	for _, program := range []string{"go", "node", "java"} {
		if _, err := exec.LookPath(program); err == nil {
			marks = append(marks, "run: "+program)
		} else {
			t.Logf("%s is not installed: its block is not tested", program)
		}
	}
	list := of(t, all, marks...)
	s := folder(t)
	var script strings.Builder
	script.WriteString("ip link set lo up\ncp /etc/hosts hosts\nmount --bind hosts /etc/hosts\nexport AWS_ENDPOINT_URL_CODEPIPELINE=http://127.0.0.1:1\n")
	for _, b := range list {
		script.WriteString("printf '" + between + "'\n")
		if b.mark == "run: server" {
			script.WriteString(strings.TrimSpace(b.text) + " > server.log 2>&1 &\ntrap 'kill %1; cat server.log' EXIT\n" +
				"until curl -sf http://127.0.0.1:7480/readyz; do kill -0 %1; sleep 0.1; done\n")
			continue
		}
		script.WriteString(b.text)
	}
	s.paste(t, list, "unshare", append(own, "bash", "-eu", "-c", script.String())...)
}
