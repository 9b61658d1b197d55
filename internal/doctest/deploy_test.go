//go:build unix

package doctest

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const deployDir = "../../deploy"

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// documents are those of a YAML file.
func documents[T any](t *testing.T, name string) (all []T) {
	t.Helper()
	for d := yaml.NewDecoder(strings.NewReader(read(t, name))); ; {
		var one T
		switch err := d.Decode(&one); {
		case err == nil:
			all = append(all, one)
		case err.Error() == "EOF":
			return all
		default:
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// foreign are flags of other programs.
var foreign = strings.Fields(`--from-literal --target --no-install-recommends --system --home-dir --shell --now
	--pwprompt --owner --chown --interval --timeout --start-period --query --from`)

var (
	flagWord     = regexp.MustCompile(`(?:^|[\s"'\x60(\[,])(--[a-z][a-z0-9-]+)`)
	variableWord = regexp.MustCompile(`\bPENSTOCK_[A-Z0-9_]+`)
)

// What the page and the files name exists: each flag in the help of some
// command, each variable as that of a flag of the server or in its help.
func TestDeployFlags(t *testing.T) {
	t.Parallel()
	const helpDir = "../../cmd/penstock/testdata/help/"
	server, all := read(t, helpDir+"penstock-server.txt"), ""
	helps, err := filepath.Glob(helpDir + "*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range helps {
		all += read(t, name)
	}
	files := []string{"../../docs/operations.md"}
	err = filepath.WalkDir(deployDir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, name)
		}
		return err
	})
	if err != nil || len(files) < 10 {
		t.Fatalf("only %v, %v", files, err)
	}
	flags, variables := 0, 0
	for _, name := range files {
		text := read(t, name)
		for _, m := range flagWord.FindAllStringSubmatch(text, -1) {
			flags++
			if !slices.Contains(foreign, m[1]) && !strings.Contains(all, " "+m[1]+" ") {
				t.Errorf("%s names %s, which no command has", name, m[1])
			}
		}
		for _, v := range variableWord.FindAllString(text, -1) {
			variables++
			flag := " --" + strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(v, "PENSTOCK_"), "_", "-")) + " "
			if v != "PENSTOCK_" && !strings.Contains(server, flag) && !strings.Contains(all, v) {
				t.Errorf("%s names %s, which no command knows", name, v)
			}
		}
	}
	if flags < 30 || variables < 30 {
		t.Errorf("only %d flags and %d variables were found", flags, variables)
	}
}

func TestSystemdUnit(t *testing.T) {
	t.Parallel()
	unit := read(t, deployDir+"/systemd/penstock.service")
	for _, want := range []string{"ExecStart=/usr/local/bin/penstock server", "ProtectSystem=strict", "ReadWritePaths=/var/lib/penstock",
		"PENSTOCK_DATA=/var/lib/penstock", "NoNewPrivileges=yes", "User=penstock"} {
		if !strings.Contains(unit, want) {
			t.Errorf("the unit has no %s", want)
		}
	}
	need(t, "systemd-analyze")
	if err := build(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "penstock.service")
	unit = strings.ReplaceAll(unit, "/usr/local/bin/penstock", filepath.Join(binDir, "penstock"))
	if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", file).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// alertRules are the rules of the file, by name.
func alertRules(t *testing.T) map[string]string {
	t.Helper()
	type file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr         string
				Labels, Annotations map[string]string
			}
		}
	}
	exprs := map[string]string{}
	for _, f := range documents[file](t, deployDir+"/prometheus/alerts.yaml") {
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				if r.Alert == "" || exprs[r.Alert] != "" || r.Expr == "" || r.Labels["severity"] == "" || r.Annotations["summary"] == "" {
					t.Errorf("the rule %q is not whole, or there twice", r.Alert)
				}
				exprs[r.Alert] = r.Expr
			}
		}
	}
	return exprs
}

// The page tells of each alert, and of no other.
func TestAlertsAreExplained(t *testing.T) {
	t.Parallel()
	_, text, _ := strings.Cut(read(t, "../../docs/operations.md"), "\n## Alerts\n")
	var told []string
	for _, m := range regexp.MustCompile(`(?m)^\| (Penstock\w+) \| [^|]+ \| [^|]+ \|$`).FindAllStringSubmatch(text, -1) {
		told = append(told, m[1])
	}
	var rules []string
	for name := range alertRules(t) {
		rules = append(rules, name)
	}
	slices.Sort(told)
	slices.Sort(rules)
	if !slices.Equal(told, rules) || len(rules) < 10 {
		t.Errorf("the page tells of %v\nthe rules are %v", told, rules)
	}
}

// promtool parses the rules, raises each alert by what it is for, and keeps it
// quiet by what it is not for. It parses the queries of the dashboard, too.
func TestPrometheusRules(t *testing.T) {
	t.Parallel()
	need(t, "promtool")
	const tests = "testdata/alerts_test.yaml"
	var queries strings.Builder
	queries.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for i, expr := range dashboardExprs(t) {
		fmt.Fprintf(&queries, "  - record: query_%d\n    expr: %q\n", i, strings.NewReplacer("$__rate_interval", "5m", "$job", "penstock", "$instance", ".*").Replace(expr))
	}
	board := filepath.Join(t.TempDir(), "dashboard.yaml")
	if err := os.WriteFile(board, []byte(queries.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", "rules", deployDir + "/prometheus/alerts.yaml", board}, {"test", "rules", tests}} {
		if out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
	type cases struct {
		Tests []struct {
			Cases []struct {
				Alert string           `yaml:"alertname"`
				Want  []map[string]any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	raised, quiet := map[string]bool{}, map[string]bool{}
	for _, test := range documents[cases](t, tests)[0].Tests {
		for _, c := range test.Cases {
			if len(c.Want) > 0 {
				raised[c.Alert] = true
			} else {
				quiet[c.Alert] = true
			}
		}
	}
	for alert := range alertRules(t) {
		if !raised[alert] || !quiet[alert] {
			t.Errorf("%s is raised in a test: %v; quiet in one: %v", alert, raised[alert], quiet[alert])
		}
	}
}

// dashboardExprs are the queries of the dashboard.
func dashboardExprs(t *testing.T) (exprs []string) {
	t.Helper()
	var board struct {
		Title, UID string
		Panels     []struct {
			ID      int
			Type    string
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, deployDir+"/grafana/penstock.json")), &board); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.W == 0 || p.GridPos.X+p.GridPos.W > 24 || (p.Type == "row") != (len(p.Targets) == 0) {
			t.Errorf("panel %d %q is not right", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			exprs = append(exprs, target.Expr)
		}
	}
	if board.Title != "Penstock" || board.UID == "" || len(exprs) < 20 {
		t.Errorf("the dashboard %q has %d queries", board.Title, len(exprs))
	}
	return exprs
}
