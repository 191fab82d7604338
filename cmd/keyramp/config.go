package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"keyramp/analysis"
	"keyramp/queries/store"
)

// A configFile is keyramp.yaml. Every key is optional; a key that is not here
// is refused, so that a typo cannot silently mean the default. No key holds a
// secret: those come by environment or from a file that a key names.
type configFile struct {
	Store       string                      `yaml:"store"`
	Auth0       auth0Config                 `yaml:"auth0"`
	Page        pageConfig                  `yaml:"page"`
	Plan        analysis.Plan               `yaml:"plan"`
	Experiments map[string]experimentConfig `yaml:"experiments"`
	TestTraffic testTraffic                 `yaml:"test_traffic"`
	EventTypes  map[string]store.Role       `yaml:"event_types"`
}

type auth0Config struct {
	Domain           string   `yaml:"domain"`
	ClientID         string   `yaml:"client_id"`
	ClientSecretFile string   `yaml:"client_secret_file"`
	Audience         string   `yaml:"audience"` // of the token, for a custom domain
	Rate             *float64 `yaml:"rate"`     // requests a second; 0 = as fast as the headers allow
}

type pageConfig struct {
	URL       string `yaml:"url"`
	TokenFile string `yaml:"token_file"`
	Source    string `yaml:"source"` // the source of flat events, which name none
}

// An experimentConfig states what the tenant does not tell, or not to us.
type experimentConfig struct {
	Continues []string             `yaml:"continues"` // experiment ids that came before, oldest first
	Control   string               `yaml:"control"`   // variation id, for phases that name none
	Phases    []analysis.PhaseSpec `yaml:"phases"`
}

// testTraffic names what is no user's own login: excluded and counted.
type testTraffic struct {
	Clients   []string `yaml:"clients"`
	Users     []string `yaml:"users"`
	Addresses []string `yaml:"addresses"` // IP addresses, marked when they are read
}

// readConfig parses a settings file over the defaults in c.
func readConfig(path string, c *configFile) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fail(exitConfig, fmt.Errorf("config: %w", err), "it must be a file that you may read; name it with --config")
	}
	misfits := shapeFaults(yaml.NewDecoder(bytes.NewReader(raw)), c)
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	err = dec.Decode(c)
	if errors.Is(err, io.EOF) { // an empty file is a file of defaults
		err = nil
	}
	if err != nil || len(misfits) > 0 {
		return yamlError(path, err, misfits)
	}
	return nil
}

var (
	yamlUnknown = regexp.MustCompile(`^line (\d+): field (\S+) not found in type`)
	yamlTwice   = regexp.MustCompile(`^line (\d+): (?:field|mapping key) "?([^" ]+)"? already`)
	yamlType    = regexp.MustCompile(`^line (\d+): cannot unmarshal !!(\w+) (?:.* )?into (\S+)`)
	yamlSyntax  = regexp.MustCompile(`^yaml: line (\d+): (.*)`)
	yamlFirst   = regexp.MustCompile(`^yaml: ((?:found|did not find|could not find|mapping values) .*)`) // of the first line, which is not told
)

// yamlError says file, line and rule of every fault, and never a value: a
// secret may stand where it does not belong.
func yamlError(path string, err error, misfits []shapeFault) error {
	var lines []string
	var types *yaml.TypeError
	if errors.As(err, &types) {
		lines = types.Errors
	} else if err != nil {
		lines = []string{err.Error()}
	}
	var faults []error
	told := map[string]bool{} // lines whose values do not fit
	for _, m := range misfits {
		told[fmt.Sprint(m.line)] = true
		faults = append(faults, fmt.Errorf("%s:%d: %s", path, m.line, m.text))
	}
	hint := "docs/configuration.md lists every key"
	syntax := func(line, text string) {
		faults = append(faults, fmt.Errorf("%s:%s: %s", path, line, text))
		if strings.Contains(text, "cannot start any token") || strings.Contains(text, "tab ") {
			hint = "indent with spaces, not with tabs, and put text that begins with @, % or ` into quotes"
		}
	}
	for _, l := range lines {
		switch {
		case yamlUnknown.MatchString(l):
			m := yamlUnknown.FindStringSubmatch(l)
			faults = append(faults, fmt.Errorf("%s:%s: unknown key %q", path, m[1], m[2]))
			if strings.Contains(m[2], "secret") || strings.Contains(m[2], "token") {
				hint = "secrets come by environment (AUTH0_CLIENT_SECRET, KEYRAMP_PAGE_TOKEN) or from a file that client_secret_file or token_file names"
			}
		case yamlTwice.MatchString(l):
			m := yamlTwice.FindStringSubmatch(l)
			faults = append(faults, fmt.Errorf("%s:%s: key %q stands here a second time", path, m[1], m[2]))
		case yamlType.MatchString(l):
			m := yamlType.FindStringSubmatch(l)
			if !told[m[1]] {
				faults = append(faults, fmt.Errorf("%s:%s: %s expected, found %s", path, m[1], yamlKind(m[3]), m[2]))
			}
		case yamlSyntax.MatchString(l):
			m := yamlSyntax.FindStringSubmatch(l)
			syntax(m[1], m[2])
		case yamlFirst.MatchString(l):
			syntax("1", yamlFirst.FindStringSubmatch(l)[1])
		case len(misfits) == 0: // else the decoder stopped at one of them
			faults = append(faults, fmt.Errorf("%s: not readable as YAML", path))
		}
	}
	return fail(exitConfig, errors.Join(faults...), hint)
}

// yamlKind names a Go type as a reader of YAML would.
func yamlKind(goType string) string {
	switch {
	case strings.Contains(goType, "float"):
		return "a number is"
	case goType == "bool":
		return "true or false is"
	case goType == "string":
		return "text is"
	}
	return "a section with keys is"
}

// configPath finds the settings file: the one asked for, ./keyramp.yaml, or
// the user's own. "" means that there is none.
func (a *app) configPath() (string, error) {
	if path := first(a.flags.config, a.env["KEYRAMP_CONFIG"]); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fail(exitConfig, fmt.Errorf("config: %w", err), "name the file with --config or leave the flag out")
		}
		return path, nil
	}
	places := []string{"keyramp.yaml"}
	if dir := a.env["XDG_CONFIG_HOME"]; dir != "" {
		places = append(places, filepath.Join(dir, "keyramp", "keyramp.yaml"))
	} else if home := a.env["HOME"]; home != "" {
		places = append(places, filepath.Join(home, ".config", "keyramp", "keyramp.yaml"))
	}
	for _, p := range places {
		_, err := os.Stat(p)
		if err == nil {
			return p, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fail(exitConfig, fmt.Errorf("config: %w", err), "")
		}
	}
	return "", nil
}

// first is the first text that is not empty.
func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// phases are the stated phases of an experiment, each with its control.
func (e experimentConfig) phases() []analysis.PhaseSpec {
	out := slices.Clone(e.Phases)
	for i := range out {
		out[i].Control = first(out[i].Control, e.Control)
	}
	return out
}

// check reports what no data could make right.
func (e experimentConfig) check(id string) error {
	var faults []error
	if slices.Contains(e.Continues, id) {
		faults = append(faults, fmt.Errorf("experiments.%s.continues names the experiment itself: it lists those before it", id))
	}
	for i, p := range e.phases() {
		where := fmt.Sprintf("experiments.%s.phases[%d]", id, i)
		sum := 0
		for _, v := range slices.Sorted(maps.Keys(p.Weights)) {
			w := p.Weights[v]
			if w < 0 || w > 100 { // -10 and 110 sum to 100, too
				faults = append(faults, fmt.Errorf("%s.weights.%s is %d: give a percentage from 0 to 100", where, v, w))
			}
			sum += w
		}
		if sum != 100 {
			faults = append(faults, fmt.Errorf("%s.weights sum to %d, not 100", where, sum))
		}
		if p.From.IsZero() {
			faults = append(faults, fmt.Errorf("%s.from is missing: say when these weights began", where))
		}
		if !p.Until.IsZero() && !p.Until.After(p.From) {
			faults = append(faults, fmt.Errorf("%s ends before it begins", where))
		}
		if _, ok := p.Weights[p.Control]; p.Control != "" && !ok {
			faults = append(faults, fmt.Errorf("%s: control names no variation of weights", where))
		}
	}
	return errors.Join(faults...)
}
