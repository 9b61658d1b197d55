package config

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// load is what `penstock server` does: flags, then variables, then the file.
func load(t *testing.T, flags []string, env map[string]string, file string) (Config, error) {
	t.Helper()
	var c Config
	f := pflag.NewFlagSet("server", pflag.ContinueOnError)
	c.Flags(f)
	if file != "" {
		name := filepath.Join(t.TempDir(), "settings.json")
		if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		flags = append([]string{"--config", name}, flags...)
	}
	if err := f.Parse(flags); err != nil {
		return c, err
	}
	return c, c.Load(f, func(k string) string { return env[k] })
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := load(t, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"Listen": "127.0.0.1:7480", "Data": "./penstock-data", "Database": "", "Account": "000000000000", "HostRunner": true,
		"AckWindow": 2 * time.Minute, "ContinuationDelay": 30 * time.Second, "PollInterval": time.Minute, "CredentialLife": time.Hour,
		"MaxPipelines": 1000, "MaxPolling": 300, "MaxEventRules": 300, "MaxActionTypes": 50, "LogLevel": slog.LevelInfo, "LogFormat": "text", "S3Endpoint": "",
	}
	for name, w := range want {
		if got := reflect.ValueOf(c).FieldByName(name).Interface(); !reflect.DeepEqual(got, w) {
			t.Errorf("%s is %v, want %v", name, got, w)
		}
	}
	if len(c.Regions) != 0 {
		t.Errorf("regions %v", c.Regions)
	}
}

// A flag wins over a variable, a variable over the file, the file over the
// default; for every kind of setting.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	tests := []struct {
		setting, field           string
		byDefault                any
		file, env, flag          string // as they are written
		fromFile, fromEnv, given any
	}{
		{"data", "Data", "./penstock-data", `"f"`, "e", "x", "f", "e", "x"},
		{"account", "Account", "000000000000", `111111111111`, "222222222222", "333333333333", "111111111111", "222222222222", "333333333333"},
		{"max-pipelines", "MaxPipelines", 1000, `1000000`, "7", "8", 1000000, 7, 8},
		{"poll-interval", "PollInterval", time.Minute, `"2m"`, "3m", "4m", 2 * time.Minute, 3 * time.Minute, 4 * time.Minute},
		{"host-runner", "HostRunner", true, `false`, "true", "false", false, true, false},
		{"regions", "Regions", []string(nil), `["a","b"]`, "c,d", "e", []string{"a", "b"}, []string{"c", "d"}, []string{"e"}},
		{"log-level", "LogLevel", slog.LevelInfo, `"debug"`, "warn", "error", slog.LevelDebug, slog.LevelWarn, slog.LevelError},
	}
	for _, tt := range tests {
		variable := "PENSTOCK_" + strings.ToUpper(strings.ReplaceAll(tt.setting, "-", "_"))
		file := `{"` + tt.setting + `":` + tt.file + `}`
		env := map[string]string{variable: tt.env}
		for _, given := range []struct {
			name  string
			flags []string
			env   map[string]string
			file  string
			want  any
		}{
			{"nothing", nil, nil, "", tt.byDefault},
			{"file", nil, nil, file, tt.fromFile},
			{"variable", nil, env, "", tt.fromEnv},
			{"variable and file", nil, env, file, tt.fromEnv},
			{"flag and variable and file", []string{"--" + tt.setting + "=" + tt.flag}, env, file, tt.given},
			{"flag and file", []string{"--" + tt.setting + "=" + tt.flag}, nil, file, tt.given},
			{"empty variable and file", nil, map[string]string{variable: ""}, file, tt.fromFile},
		} {
			t.Run(tt.setting+"/"+given.name, func(t *testing.T) {
				t.Parallel()
				c, err := load(t, given.flags, given.env, given.file)
				if err != nil {
					t.Fatal(err)
				}
				got := reflect.ValueOf(c).FieldByName(tt.field).Interface()
				if !reflect.DeepEqual(got, given.want) && !(reflect.ValueOf(got).Kind() == reflect.Slice && reflect.ValueOf(got).Len() == 0 && reflect.ValueOf(given.want).Len() == 0) {
					t.Errorf("got %v, want %v", got, given.want)
				}
			})
		}
	}
}

// Every flag can be set by its variable.
func TestEachFlagHasAVariable(t *testing.T) {
	t.Parallel()
	var c Config
	f := pflag.NewFlagSet("server", pflag.ContinueOnError)
	c.Flags(f)
	var asked []string
	_ = c.Load(f, func(name string) string { // what it says of empty settings is tested elsewhere
		asked = append(asked, name)
		return ""
	})
	all := strings.Join(asked, " ") + " "
	f.VisitAll(func(fl *pflag.Flag) {
		if name := "PENSTOCK_" + strings.ToUpper(strings.ReplaceAll(fl.Name, "-", "_")); !strings.Contains(all, name+" ") {
			t.Errorf("--%s is not read from %s", fl.Name, name)
		}
	})
}

// Secrets come from the environment only: a flag would show in the list of
// processes, a file would be copied around.
func TestSecretsFromTheEnvironment(t *testing.T) {
	t.Parallel()
	c, err := load(t, nil, map[string]string{
		"PENSTOCK_ROOT_ACCESS_KEY_ID": "id", "PENSTOCK_ROOT_SECRET_ACCESS_KEY": "secret", "PENSTOCK_MASTER_KEY": "master",
		"PENSTOCK_S3_ACCESS_KEY_ID": "s3id", "PENSTOCK_S3_SECRET_ACCESS_KEY": "s3secret",
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join([]string{c.RootAccessKeyID, c.RootSecretAccessKey, c.MasterKey, c.S3AccessKeyID, c.S3SecretAccessKey}, " "); got != "id secret master s3id s3secret" {
		t.Errorf("got %s", got)
	}
	for _, name := range []string{"root-access-key-id", "root-secret-access-key", "master-key", "s3-access-key-id", "s3-secret-access-key"} {
		if _, err := load(t, nil, nil, `{"`+name+`":"x"}`); err == nil || !strings.Contains(err.Error(), `there is no setting "`+name+`"`) {
			t.Errorf("%s in a file: %v", name, err)
		}
	}
}

// The file may be named by a variable too, after the flag.
func TestFileByVariable(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "other.json")
	if err := os.WriteFile(name, []byte(`{"data":"from the variable's file"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"PENSTOCK_CONFIG": name}
	if c, err := load(t, nil, env, ""); err != nil || c.Data != "from the variable's file" {
		t.Errorf("got %q, %v", c.Data, err)
	}
	if c, err := load(t, nil, env, `{"data":"from the flag's file"}`); err != nil || c.Data != "from the flag's file" {
		t.Errorf("got %q, %v", c.Data, err)
	}
}

// Commands run on the host only where strangers cannot ask for it.
func TestHostRunner(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"127.0.0.1:7480": true, "127.9.9.9:1": true, "[::1]:7480": true, "localhost:0": true,
		"0.0.0.0:7480": false, ":7480": false, "[::]:7480": false, "192.168.1.2:7480": false, "example.com:80": false, "localhost.example.com:80": false,
	}
	for listen, want := range tests {
		if c, err := load(t, []string{"--listen", listen}, nil, ""); err != nil || c.HostRunner != want {
			t.Errorf("%s: %v, %v, want %v", listen, c.HostRunner, err, want)
		}
	}
	if c, err := load(t, []string{"--listen", "0.0.0.0:1", "--host-runner"}, nil, ""); err != nil || !c.HostRunner {
		t.Errorf("asked for by flag: %v, %v", c.HostRunner, err)
	}
	if c, err := load(t, []string{"--listen", "0.0.0.0:1"}, map[string]string{"PENSTOCK_HOST_RUNNER": "true"}, ""); err != nil || !c.HostRunner {
		t.Errorf("asked for by variable: %v, %v", c.HostRunner, err)
	}
	if c, err := load(t, nil, nil, `{"host-runner":false}`); err != nil || c.HostRunner {
		t.Errorf("refused by file: %v, %v", c.HostRunner, err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		flags []string
		env   map[string]string
		file  string
		want  string
	}{
		{"address without a port", []string{"--listen", "localhost"}, nil, "", "--listen must be HOST:PORT"},
		{"metrics without a port", []string{"--metrics-listen", "localhost"}, nil, "", "--metrics-listen must be HOST:PORT"},
		{"account of 11 digits", []string{"--account", "12345678901"}, nil, "", `--account must be 12 digits, not "12345678901"`},
		{"account with a letter", []string{"--account", "12345678901x"}, nil, "", "--account must be 12 digits"},
		{"a database that is not PostgreSQL", []string{"--database", "mysql://u:secret@x/y"}, nil, "", "--database must be empty or a URL like postgres://USER@HOST/NAME"},
		{"root id alone", nil, map[string]string{"PENSTOCK_ROOT_ACCESS_KEY_ID": "x"}, "", "PENSTOCK_ROOT_ACCESS_KEY_ID and PENSTOCK_ROOT_SECRET_ACCESS_KEY go together"},
		{"root secret alone", nil, map[string]string{"PENSTOCK_ROOT_SECRET_ACCESS_KEY": "x"}, "", "go together"},
		{"S3 id alone", nil, map[string]string{"PENSTOCK_S3_ACCESS_KEY_ID": "x"}, "", "PENSTOCK_S3_ACCESS_KEY_ID and PENSTOCK_S3_SECRET_ACCESS_KEY go together"},
		{"S3 secret alone", nil, map[string]string{"PENSTOCK_S3_SECRET_ACCESS_KEY": "x"}, "", "go together"},
		{"short window", []string{"--ack-window", "9999ms"}, nil, "", "--ack-window must be between 10s and 15m"},
		{"long window", []string{"--ack-window", "15m1ms"}, nil, "", "--ack-window must be between 10s and 15m"},
		{"negative pause", []string{"--continuation-delay", "-1s"}, nil, "", "--continuation-delay must not be negative"},
		{"hasty polls", []string{"--poll-interval", "999ms"}, nil, "", "--poll-interval at least 1s"},
		{"short credentials", []string{"--credential-life", "59s"}, nil, "", "--credential-life at least 1m"},
		{"no concurrency", []string{"--concurrency", "0"}, nil, "", "--concurrency at least 1"},
		{"form of the log", []string{"--log-format", "xml"}, nil, "", "--log-format must be text or json"},
		{"level of the log", nil, map[string]string{"PENSTOCK_LOG_LEVEL": "loud"}, "", "PENSTOCK_LOG_LEVEL: "},
		{"bad variable", nil, map[string]string{"PENSTOCK_MAX_PIPELINES": "many"}, "", "PENSTOCK_MAX_PIPELINES: "},
		{"bad value in the file", nil, nil, `{"poll-interval":"soon"}`, "settings.json: poll-interval: "},
		{"unknown setting", nil, nil, `{"lisen":"x"}`, `there is no setting "lisen"; see ` + "`penstock server --help`"},
		{"no JSON", nil, nil, `listen: x`, "settings.json: "},
		{"no object", nil, nil, `["listen"]`, "settings.json: "},
		{"two objects", nil, nil, `{"data":"a"}{"data":"b"}`, "settings.json: "},
		{"no file", []string{"--config", "/nowhere/settings.json"}, nil, "", "/nowhere/settings.json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := load(t, tt.flags, tt.env, tt.file); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	t.Run("all at once", func(t *testing.T) {
		t.Parallel()
		_, err := load(t, []string{"--account", "x", "--log-format", "xml"}, map[string]string{"PENSTOCK_MAX_PIPELINES": "many"}, `{"lisen":"x"}`)
		if err == nil || strings.Count(err.Error(), "\n") != 3 {
			t.Errorf("not all are told: %v", err)
		}
	})
	t.Run("bounds are allowed", func(t *testing.T) {
		t.Parallel()
		for _, flags := range [][]string{
			{"--ack-window", "10s", "--continuation-delay", "0", "--poll-interval", "1s", "--credential-life", "1m", "--concurrency", "1"}, {"--ack-window", "15m"},
		} {
			if _, err := load(t, flags, nil, ""); err != nil {
				t.Errorf("%v: %v", flags, err)
			}
		}
	})
}
