//go:build unix

package doctest

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"penstock/internal/store/postgres/pgtest"
)

var metricName = regexp.MustCompile(`\b(?:penstock|process)_[a-z0-9_]+`)

// exposed returns the names of the metrics at a URL; a histogram has its name
// and those of its series.
func exposed(t *testing.T, url string) map[string]bool {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	names := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); words[0] != "#" {
			name, _, _ := strings.Cut(words[0], "{")
			names[name] = true
		} else if words[1] == "HELP" && len(words) < 5 {
			t.Errorf("%s has no help", words[2])
		} else if words[1] == "TYPE" {
			names[words[2]] = true
		}
	}
	return names
}

// Every metric in the alerts, on the dashboard and on the page is served by a
// real server, on SQLite or PostgreSQL; and the page tells of all that are.
func TestDeployMetrics(t *testing.T) {
	t.Parallel()
	const start = `exec penstock server --event-file events.jsonl`
	file, fileMetrics := apart(t, start)
	nodes, nodesMetrics := apart(t, start, "PENSTOCK_DATABASE="+pgtest.URL(t))
	for _, s := range []*scene{file, nodes} {
		s.run(t, []block{{text: "export AWS_ENDPOINT_URL=" + pageURL + "\npenstock status\npenstock health\n"}})
	}
	names := exposed(t, fileMetrics)
	for name := range exposed(t, nodesMetrics) {
		names[name] = true
	}
	page := read(t, "../../docs/operations.md")
	sources := map[string][]string{"the page": {page}, "the dashboard": dashboardExprs(t)}
	for alert, expr := range alertRules(t) {
		sources["the alert "+alert] = []string{expr}
	}
	used := map[string]bool{}
	for where, texts := range sources {
		for _, text := range texts {
			for _, name := range metricName.FindAllString(text, -1) {
				used[name] = true
				if strings.HasSuffix(name, "_") { // the beginning of a pattern
					continue
				}
				if !names[name] {
					t.Errorf("%s has %s, which no server serves", where, name)
				}
			}
		}
	}
	if len(used) < 30 {
		t.Errorf("only %d metrics were found", len(used))
	}
	for name := range names {
		if !strings.HasPrefix(name, "penstock_") {
			continue
		}
		for _, series := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, series)
		}
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("the page does not tell of %s", name)
		}
	}
	// Probes ask real pages.
	for _, path := range []string{"/readyz", "/healthz"} {
		resp, err := http.Get(file.url + path)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
}

// A server whose database is gone goes on telling about itself, and says so.
func TestMetricsWithoutDatabase(t *testing.T) {
	t.Parallel()
	database, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(database.Stop)
	s, metrics := apart(t, "exec penstock server", "PENSTOCK_DATABASE="+database.URL())
	database.Stop()
	resp, err := http.Get(metrics)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(text), "\npenstock_database_up 0\n") || strings.Contains(string(text), "\npenstock_nodes ") ||
		!strings.Contains(string(text), "\npenstock_postgres_connections_max ") {
		t.Errorf("%s, %v\n%s", resp.Status, err, text)
	}
	s.run(t, []block{{text: "penstock health --endpoint-url " + pageURL + " && exit 9 || echo exit $?\n", want: []string{"…is not ready: 503…database…", "exit 1"}}})
}
