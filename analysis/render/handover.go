package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"keyramp/analysis"
)

// The forms of a handover, besides JSON.
const (
	Curl      Format = "curl"      // a script for sh, with curl
	Terraform Format = "terraform" // what to change in a configuration of the provider auth0/auth0
)

// Handover writes the next calls as JSON, Curl or Terraform. host is the tenant's, "" when nobody told it: a script
// then takes it from the environment. Errors are those of w, and ErrHandover where the form has no words for the calls.
func Handover(w io.Writer, h *analysis.Handover, host string, f Format) error {
	switch f {
	case JSON:
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(h)
	case Terraform:
		return writeTerraform(w, h)
	}
	return writeCurl(w, h, host)
}

// preamble says in comments what is handed over, and why.
func preamble(b *bytes.Buffer, h *analysis.Handover) {
	fmt.Fprintf(b, "# %s of %s as of %s (%s)\n", h.Action, clean(label(h.Name, h.Experiment)), moment(h.AsOf), strings.Join(h.Reasons, ", "))
	for _, s := range h.Arms {
		fmt.Fprintf(b, "#   %s: %d %% -> %d %%\n", clean(label(s.Name, s.Variation)), s.Now, s.Then)
	}
	if h.NextLevel != nil && h.Level != nil {
		fmt.Fprintf(b, "#   level %d -> %d\n", *h.Level, *h.NextLevel)
	}
	fmt.Fprintf(b, "# %s: %s.\n", h.Option, h.Why)
}

// The parts of the script that are the same for all handovers. The token goes by stdin, because arguments stand in
// process lists.
const (
	scriptHead = `set -eu
: "${AUTH0_API_TOKEN:?set it to a token of the Management API}"
paused=

# call METHOD PATH BODY leaves the answer in $answer, and stops where it is refused.
call() {
	printf '%s %s\n' "$1" "$2" >&2
	answer=$(printf 'Authorization: Bearer %s\n' "$AUTH0_API_TOKEN" |
		curl --silent --show-error --fail-with-body --header @- --header 'Content-Type: application/json' \
			--request "$1" --data "$3" "$tenant$2") || stop
}

# valid PATH asks whether the experiment is ready, and stops if it is not.
valid() {
	call POST "$1" '{}'
	case $(printf %s "$answer" | tr -d ' \t\r\n') in
	*'"is_valid":true'*) ;;
	*) stop ;;
	esac
}

`
	newID = `id=$(printf %s "$answer" | tr -d '\r\n' | sed -n 's/.*"\(experiment_\)\{0,1\}id": *"\(exp_[A-Za-z0-9_-]*\)".*/\2/p')
[ -n "$id" ] || stop
`
)

func writeCurl(w io.Writer, h *analysis.Handover, host string) error {
	var b bytes.Buffer
	b.WriteString("#!/bin/sh\n")
	preamble(&b, h)
	if len(h.Calls) == 0 {
		b.WriteString("# Nothing to do at the tenant.\n")
		_, err := w.Write(b.Bytes())
		return err
	}
	scopes := "read:experimentation and update:experimentation"
	if h.Option == analysis.NewExperiment {
		scopes += ", and create:experimentation"
	}
	fmt.Fprintf(&b, "# keyramp %s wrote these calls and made none of them. Read them, then run them with sh.\n", clean(h.Version))
	fmt.Fprintf(&b, "# The token needs %s.\n", scopes)
	if host == "" {
		b.WriteString("tenant=https://${AUTH0_DOMAIN:?set it to the host of the tenant}\n")
	} else {
		fmt.Fprintf(&b, "tenant=%s\n", quoteSh(host))
	}
	b.WriteString(scriptHead)

	b.WriteString("stop() {\n\ttrap - INT TERM HUP\n\tprintf 'refused, or cut short: %s\\n' \"${answer-}\" >&2\n")
	if len(h.Back) > 0 {
		b.WriteString("\tif [ -n \"$paused\" ]; then\n\t\tpaused=\n")
		for _, c := range h.Back {
			fmt.Fprintf(&b, "\t\t# %s\n\t\tstop() { echo 'LOOK AT THE EXPERIMENT: it may be paused, and then needs to be activated by hand' >&2; exit 1; }\n\t\t%s\n", c.Why, command(c))
		}
		b.WriteString("\t\techo 'the experiment goes on as it was' >&2\n")
		if h.Option == analysis.SameExperiment {
			for _, line := range h.After {
				fmt.Fprintf(&b, "\t\techo %s >&2\n", quoteSh(line))
			}
		}
		b.WriteString("\tfi\n")
	}
	b.WriteString("\texit 1\n}\ntrap stop INT TERM HUP\n\n")

	for _, c := range h.Calls {
		if c.Pauses && len(h.Back) > 0 { // before the call: an answer that is lost says nothing
			b.WriteString("paused=yes\n")
		}
		fmt.Fprintf(&b, "# %s\n%s\n", c.Why, command(c))
		if c.Makes != "" {
			b.WriteString(newID)
		}
		if c.Resumes && len(h.Back) > 0 {
			b.WriteString("paused=\n")
		}
	}
	b.WriteString("\n")
	for _, line := range h.After {
		if h.Option != analysis.SameExperiment {
			fmt.Fprintf(&b, "echo %s >&2\n", strings.ReplaceAll(quoteSh(line), analysis.NewID, `'"$id"'`))
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// command is a call as the script makes it.
func command(c analysis.Call) string {
	path := strings.ReplaceAll(quoteSh(c.Path), analysis.NewID, `'"$id"'`)
	if c.Valid {
		return "valid " + path
	}
	return fmt.Sprintf("call %s %s %s", c.Method, path, quoteSh(bodyOf(c)))
}

// bodyOf is the body of a call in one line.
func bodyOf(c analysis.Call) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(c.Body); err != nil {
		panic(err) // bodies are made of texts and numbers
	}
	return strings.TrimSpace(b.String())
}

// quoteSh makes a text one word of a shell.
func quoteSh(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func writeTerraform(w io.Writer, h *analysis.Handover) error {
	var b bytes.Buffer
	preamble(&b, h)
	block := func(why, kind, name string, lines ...string) {
		fmt.Fprintf(&b, "\n# %s\n%s \"auth0_experiment\" %s {\n%s}\n", why, kind, quoteHCL(name), strings.Join(lines, ""))
	}
	status := func(s string) string { return "  status = " + quoteHCL(s) + "\n" }
	var split []string
	for _, s := range h.Arms {
		split = append(split, fmt.Sprintf("\n  allocations {\n    variation_id = %s\n    is_control   = %v\n    weight       = %d\n  }\n", quoteHCL(s.Variation), s.Control, s.Then))
	}
	const keep = "  # all that is not named here stays as it is\n"
	switch h.Option {
	case analysis.Nothing:
		b.WriteString("# Nothing to do at the tenant.\n")
	case analysis.Pause:
		block("In the resource of "+h.Experiment+":", "resource", "keyramp", keep, status("paused"))
	case analysis.SameExperiment:
		block("1. In the resource of "+h.Experiment+", and apply:", "resource", "keyramp", keep, status("paused"))
		block("2. then, and apply again:", "resource", "keyramp", append([]string{keep, status("active")}, split...)...)
	case analysis.NewExperiment:
		n := h.New
		block("1. In the resource of "+h.Experiment+", and apply:", "resource", "keyramp", keep, status("paused"))
		block("2. A new resource, and apply:", "resource", "keyramp_next", append([]string{
			"  name                = " + quoteHCL(n.Name) + "\n", "  feature_flag_id     = " + quoteHCL(n.Flag) + "\n",
			"  authentication_flow = " + quoteHCL(n.Flow) + "\n", "  allocation_strategy = " + quoteHCL(n.Strategy) + "\n",
			"  status              = " + quoteHCL("active") + "\n"}, split...)...)
		block("3. At last, in the resource of "+h.Experiment+":", "resource", "keyramp", keep, status("completed"))
	default:
		return fmt.Errorf("%w: to advance a ramp is a call and no setting: use curl or json", analysis.ErrHandover)
	}
	for _, line := range h.After {
		fmt.Fprintf(&b, "# %s\n", clean(line))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// quoteHCL makes a text a string of Terraform's language.
func quoteHCL(s string) string {
	quoted := bodyOf(analysis.Call{Body: s}) // JSON's escapes are its, too
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(quoted)
}
