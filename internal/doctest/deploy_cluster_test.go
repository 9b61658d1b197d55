//go:build unix

package doctest

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

type object = map[string]any

// at walks into a document: by names, and by numbers in lists. It is nil where
// there is nothing.
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			o, _ := v.(object)
			v = o[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

// No cluster is at hand, so what makes a manifest useless is looked for: probes
// of pages or ports that are not there, selectors that select nothing.
func TestKubernetesManifests(t *testing.T) {
	t.Parallel()
	for file, c := range map[string]struct {
		workload, name string
		replicas       int
		kinds          []string
	}{
		"one-node.yaml": {"StatefulSet", "penstock", 1, []string{"NetworkPolicy", "Service", "StatefulSet"}},
		"nodes.yaml":    {"Deployment", "penstock-nodes", 3, []string{"ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service"}},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			name := filepath.Join(deployDir, "kubernetes", file)
			is := func(what string, got, want any) {
				t.Helper()
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s is %v, want %v", what, got, want)
				}
			}
			byKind := map[string]object{}
			var kinds []string
			for _, d := range documents[object](t, name) {
				kind := fmt.Sprint(d["kind"])
				byKind[kind], kinds = d, append(kinds, kind)
				is("the name of "+kind, at(d, "metadata", "name"), c.name)
			}
			slices.Sort(kinds)
			is("the list of kinds", kinds, c.kinds)
			work := byKind[c.workload]
			is("replicas", at(work, "spec", "replicas"), c.replicas)
			labels := at(work, "spec", "template", "metadata", "labels")
			is("the label", labels, object{"app.kubernetes.io/name": c.name})
			is("the selector", at(work, "spec", "selector", "matchLabels"), labels)
			is("the service's selector", at(byKind["Service"], "spec", "selector"), labels)
			is("the policy's selector", at(byKind["NetworkPolicy"], "spec", "podSelector", "matchLabels"), labels)
			if b := byKind["PodDisruptionBudget"]; b != nil {
				is("the budget's selector", at(b, "spec", "selector", "matchLabels"), labels)
			}
			pod := at(work, "spec", "template", "spec")
			is("runAsNonRoot", at(pod, "securityContext", "runAsNonRoot"), true)
			is("the user", at(pod, "securityContext", "runAsUser"), 65532)
			is("the token of the cluster", at(pod, "automountServiceAccountToken"), false)
			box := at(pod, "containers", 0)
			is("privilege escalation", at(box, "securityContext", "allowPrivilegeEscalation"), false)
			is("the root file system", at(box, "securityContext", "readOnlyRootFilesystem"), true)
			is("capabilities", at(box, "securityContext", "capabilities", "drop"), []any{"ALL"})
			is("ports", at(box, "ports"), []any{object{"name": "api", "containerPort": 7480}, object{"name": "metrics", "containerPort": 7481}})
			args := fmt.Sprint(at(box, "args"))
			for _, want := range []string{"[server ", " --listen=0.0.0.0:7480 ", " --metrics-listen=0.0.0.0:7481 ", " --data=/var/lib/penstock "} {
				if !strings.Contains(args, want) {
					t.Errorf("the arguments %s lack %q", args, want)
				}
			}
			for probe, path := range map[string]string{"startupProbe": "/readyz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"} {
				is(probe, at(box, probe, "httpGet"), object{"path": path, "port": "api"})
			}
			if c.workload == "Deployment" {
				is("the pause before a pod ends", at(box, "lifecycle", "preStop", "exec", "command"), []any{"sleep", "5"})
			}
			is("the port for calls", at(byKind["NetworkPolicy"], "spec", "ingress", 0, "ports", 0, "port"), 7480)
			is("the port for metrics", at(byKind["NetworkPolicy"], "spec", "ingress", 1, "ports", 0, "port"), 7481)
			is("the service's port", at(byKind["Service"], "spec", "ports", 0, "targetPort"), "api")
			head := read(t, name)
			for i := 0; at(box, "envFrom", i) != nil; i++ {
				if secret := at(box, "envFrom", i, "secretRef", "name"); secret != nil &&
					!strings.Contains(head, fmt.Sprintf("create secret generic %v ", secret)) {
					t.Errorf("nobody makes the secret %v", secret)
				}
				if m := at(box, "envFrom", i, "configMapRef", "name"); m != nil {
					is("the map of settings", m, at(byKind["ConfigMap"], "metadata", "name"))
				}
			}
			mounted := fmt.Sprint(at(box, "volumeMounts", 0, "name"), at(box, "volumeMounts", 0, "mountPath"))
			is("the data folder", mounted, "data/var/lib/penstock")
		})
	}
}

func TestComposeFiles(t *testing.T) {
	t.Parallel()
	dockerfile := read(t, deployDir+"/docker/Dockerfile")
	for _, file := range []string{"compose.yaml", "compose.nodes.yaml"} {
		doc := documents[object](t, filepath.Join(deployDir, "docker", file))[0]
		services, _ := doc["services"].(object)
		if len(services) == 0 {
			t.Fatalf("%s has no services", file)
		}
		for name, s := range services {
			if b := at(s, "build"); b != nil {
				if target := at(b, "target"); !strings.Contains(dockerfile, fmt.Sprintf(" AS %v\n", target)) {
					t.Errorf("%s: the Dockerfile has no stage %v", name, target)
				}
				context := filepath.Join(deployDir, "docker", fmt.Sprint(at(b, "context")))
				if _, err := os.Stat(filepath.Join(context, fmt.Sprint(at(b, "dockerfile")))); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			volumes, _ := at(s, "volumes").([]any)
			for _, v := range volumes {
				source, _, _ := strings.Cut(fmt.Sprint(v), ":")
				if local, ok := strings.CutPrefix(source, "./"); ok {
					if _, err := os.Stat(filepath.Join(deployDir, "docker", local)); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				} else if all, _ := doc["volumes"].(object); all[source] == nil {
					t.Errorf("%s: there is no volume %s", name, source)
				}
			}
			needs, _ := at(s, "depends_on").(object)
			for other, how := range needs {
				if services[other] == nil || at(how, "condition") != "service_healthy" {
					t.Errorf("%s depends on %s: %v", name, other, how)
				}
			}
		}
	}
	for _, want := range []string{"option httpchk GET /readyz\n", "server-template node 3 node:7480\n"} {
		if !strings.Contains(read(t, deployDir+"/docker/haproxy.cfg"), want) {
			t.Errorf("haproxy.cfg lacks %q", want)
		}
	}
}
