package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// onPostgres is the variable that has startServer keep the state of each server
// in PostgreSQL.
const onPostgres = "PENSTOCK_E2E_ON_POSTGRES"

// alsoOnPostgres are the tests that CI runs on both databases beside TestCrash:
// a restart, the life of a partner, modes, conditions, what is lost on the way.
var alsoOnPostgres = []string{
	"TestRestart", "TestPartnerLife", "TestParallelRuns", "TestCommandsDecide", "TestConditions", "TestLostAnswer", "TestApprovalNotifications", "TestRekey", "TestOtherMasterKey",
}

// TestOnPostgres runs tests of this package again, with servers whose state lies
// in PostgreSQL.
func TestOnPostgres(t *testing.T) {
	t.Parallel()
	if os.Getenv(onPostgres) != "" {
		t.Skip("it is on PostgreSQL already")
	}
	args := []string{"-test.short", "-test.timeout=5m", "-test.run=^(" + strings.Join(alsoOnPostgres, "|") + ")$"}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), onPostgres+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "no tests to run") {
		t.Errorf("nothing ran: %s", out)
	}
}
