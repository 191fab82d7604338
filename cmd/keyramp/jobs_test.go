package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"keyramp/fixtures/tenant"
	"keyramp/queries/duckdb"
)

const jobs = "../../examples/jobs"

func jobFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(jobs, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The commands of each recipe, as its scheduler runs them.
var jobCommands = map[string]func(t *testing.T, text string) []string{
	"crontab": func(t *testing.T, text string) (out []string) {
		for line := range strings.Lines(text) {
			if m := regexp.MustCompile(`^[0-9*/,-]+( +[0-9*/,-]+){4} +(.*)`).FindStringSubmatch(line); m != nil {
				if strings.Contains(m[2], "%") {
					t.Errorf("cron makes a newline of %%: %s", line)
				}
				out = append(out, m[2])
			} else if line = strings.TrimSpace(line); line != "" && line[0] != '#' && !regexp.MustCompile(`^[A-Z_]+=\S+$`).MatchString(line) {
				t.Errorf("no line of a crontab: %s", line)
			}
		}
		return out
	},
	"keyramp.service": func(t *testing.T, text string) (out []string) {
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			if line != "" && line[0] != '#' && !regexp.MustCompile(`^(\[[A-Za-z]+\]|[A-Za-z]+=.*)$`).MatchString(line) {
				t.Errorf("no line of a unit: %s", line)
			}
			if command, ok := strings.CutPrefix(line, "ExecStart=/usr/local/bin/"); ok {
				out = append(out, command)
			}
		}
		return out
	},
	"cronjob.yaml": func(t *testing.T, text string) (out []string) {
		type container struct {
			Name string
			Args []string
		}
		var job struct {
			Spec struct {
				JobTemplate struct {
					Spec struct {
						PodFailurePolicy struct {
							Rules []struct {
								Action      string
								OnExitCodes struct {
									ContainerName string `yaml:"containerName"`
									Values        []int
								} `yaml:"onExitCodes"`
							}
						} `yaml:"podFailurePolicy"`
						Template struct {
							Spec struct {
								RestartPolicy string      `yaml:"restartPolicy"`
								Init          []container `yaml:"initContainers"`
								Containers    []container
							}
						}
					}
				} `yaml:"jobTemplate"`
			}
		}
		if err := yaml.Unmarshal([]byte(text), &job); err != nil {
			t.Fatal(err)
		}
		spec := job.Spec.JobTemplate.Spec
		if spec.Template.Spec.RestartPolicy != "Never" { // the policy needs it
			t.Error("restartPolicy is not Never")
		}
		names := map[string]bool{}
		for _, c := range append(spec.Template.Spec.Init, spec.Template.Spec.Containers...) {
			names[c.Name] = true
			out = append(out, "keyramp "+strings.Join(c.Args, " "))
		}
		for _, r := range spec.PodFailurePolicy.Rules {
			if !names[r.OnExitCodes.ContainerName] || len(r.OnExitCodes.Values) == 0 {
				t.Errorf("a rule of no container: %+v", r)
			}
		}
		return out
	},
	"airflow_dag.py": func(t *testing.T, text string) (out []string) {
		for _, m := range regexp.MustCompile(`bash_command="([^"]*)"`).FindAllStringSubmatch(text, -1) {
			out = append(out, m[1])
		}
		return out
	},
	"github-actions.yml": func(t *testing.T, text string) (out []string) {
		var flow struct {
			Jobs map[string]struct {
				Steps []struct{ Name, Run string }
			}
		}
		if err := yaml.Unmarshal([]byte(text), &flow); err != nil {
			t.Fatal(err)
		}
		for _, j := range flow.Jobs {
			for _, s := range j.Steps {
				if s.Run != "" && s.Name != "install" && s.Name != "tell" {
					out = append(out, s.Run)
				}
			}
		}
		return out
	},
}

// Every command of every recipe runs, in its order, twice: the second day finds a store. While another run holds the
// store, a pull ends as the recipe says, and nothing clashes.
func TestJobs(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	today := time.Now().UTC().Truncate(24 * time.Hour)
	s := tell(t, tenant.Config{Seed: 6, Users: 300, Days: 6, Start: today.AddDate(0, 0, -6)})
	s.server.SetNow(time.Now())
	settings := filepath.Join(t.TempDir(), "keyramp.yaml")
	if err := os.WriteFile(settings, []byte("auth0: {rate: 0}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	busy := map[string]int{"crontab": 0, "keyramp.service": 0, "cronjob.yaml": exitBusy, "airflow_dag.py": 99, "github-actions.yml": exitBusy}
	for name, commands := range jobCommands {
		t.Run(name, func(t *testing.T) {
			shell, onRunner := []string{"sh", "-c"}, name == "github-actions.yml"
			if onRunner {
				for _, program := range []string{"bash", "openssl", "tar"} { // a runner has them
					if _, err := exec.LookPath(program); err != nil {
						t.Skip(err)
					}
				}
				shell = []string{"bash", "-eo", "pipefail", "-c"}
			}
			list := commands(t, jobFile(t, name))
			if len(list) < 2 {
				t.Fatalf("%q", list)
			}
			dir := t.TempDir()
			for _, folder := range []string{"lib", "node"} {
				if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			places := strings.NewReplacer("/var/lib/keyramp", filepath.Join(dir, "lib"), "/var/lib/node_exporter", filepath.Join(dir, "node"))
			store := filepath.Join(dir, "lib", "store")
			if onRunner {
				store = filepath.Join(dir, "store")
			}
			sh := func(command string) (int, string) {
				cmd := exec.Command(shell[0], append(shell[1:len(shell):len(shell)], places.Replace(command))...)
				cmd.Dir = dir
				cmd.Env = append(append(os.Environ(), s.env...), "KEYRAMP_STORE="+store, "KEYRAMP_CONFIG="+settings, "STORE_PASSPHRASE=once upon a time")
				out, err := cmd.CombinedOutput()
				if _, ok := err.(*exec.ExitError); err != nil && !ok {
					t.Fatal(err)
				}
				return cmd.ProcessState.ExitCode(), string(out)
			}
			for day := range 2 {
				for _, command := range list {
					unpacks := strings.HasPrefix(command, "openssl")
					if unpacks && day == 0 {
						continue
					}
					code, said := sh(command)
					if unpacks && code == 0 {
						if info, err := os.Stat(filepath.Join(store, "pseudonym.key")); err != nil || info.Mode().Perm() != 0o600 {
							t.Errorf("the key file after unpacking: %v, %v", info, err)
						}
					}
					fine := code == 0
					if strings.Contains(command, "--exit-code") {
						fine = fine || code == exitHold || code == exitRollBack || code == exitInvestigate || code == 99
					}
					if !fine {
						t.Errorf("%s: exit %d\n%s", command, code, said)
					}
				}
				if onRunner { // it keeps nothing but the packed store
					if raw, err := os.ReadFile(filepath.Join(dir, "store.tar.enc")); err != nil || !bytes.HasPrefix(raw, []byte("Salted__")) {
						t.Errorf("the packed store, of %d bytes, is not encrypted: %v", len(raw), err)
					}
					if day == 0 {
						os.RemoveAll(store)
					}
				}
			}
			told := map[string]string{} // a collector refuses what two files tell
			files, _ := filepath.Glob(filepath.Join(dir, "node", "*"))
			for _, path := range files {
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				all, err := parseMetrics(string(text))
				if err != nil || len(all) == 0 {
					t.Errorf("%s: %d series, %v", path, len(all), err)
				}
				for series := range all {
					if other := told[series]; other != "" {
						t.Errorf("%s is told by %s and %s", series, other, path)
					}
					told[series] = path
				}
			}
			if name == "crontab" && len(files) != 2 {
				t.Errorf("metrics files: %q", files)
			}
			unlock, err := duckdb.Lock(t.Context(), store, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unlock()
			first := slices.IndexFunc(list, func(c string) bool { return strings.Contains(c, "keyramp pull ") })
			if first < 0 {
				t.Fatalf("no pull: %q", list)
			}
			pull := regexp.MustCompile(` --lock-wait \S+`).ReplaceAllString(list[first], "") + " --lock-wait 0s"
			if code, said := sh(pull); code != busy[name] {
				t.Errorf("%s, while another run holds the store: exit %d, want %d\n%s", pull, code, busy[name], said)
			}
		})
	}
}

// Alerts are on metrics that exist, and all files of the folder are told of in docs/recipes.md.
func TestJobFiles(t *testing.T) {
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal([]byte(jobFile(t, "alerts.yml")), &rules); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range metrics {
		known[m.name] = m.kind == "gauge"
		known[m.name+"_total"] = m.kind == "counter"
	}
	for _, r := range rules.Groups[0].Rules {
		for _, name := range regexp.MustCompile(`keyramp_[a-z_]+`).FindAllString(r.Expr, -1) {
			if !known[name] {
				t.Errorf("%s: there is no metric %s", r.Alert, name)
			}
		}
	}
	page, err := os.ReadFile("../../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := os.ReadDir(jobs)
	for _, f := range files {
		if !strings.Contains(string(page), "(../examples/jobs/"+f.Name()+")") {
			t.Errorf("docs/recipes.md does not tell of %s", f.Name())
		}
	}
	if analyze, err := exec.LookPath("systemd-analyze"); err == nil {
		dir := t.TempDir()
		units := []string{"verify", "--recursive-errors=no"}
		for _, name := range []string{"keyramp.service", "keyramp.timer"} {
			path := filepath.Join(dir, name)
			text := strings.ReplaceAll(jobFile(t, name), "/usr/local/bin/keyramp", "/bin/true") // it has to exist
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			units = append(units, path)
		}
		if out, err := exec.Command(analyze, units...).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
	if python, err := exec.LookPath("python3"); err == nil {
		cmd := exec.Command(python, "-c", "import ast,sys; ast.parse(open(sys.argv[1]).read())", filepath.Join(jobs, "airflow_dag.py"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}
