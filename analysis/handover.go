package analysis

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"

	"keyramp/queries/store"
)

// An Option is a way to bring a tenant to what a decision recommends.
type Option string

// The options. Which one is open is for the tenant to say: see Observation.Editable.
const (
	Nothing        Option = "nothing"         // the decision keeps the share
	SameExperiment Option = "same_experiment" // pause, new allocations, go on under the same id: people keep their buckets
	NewExperiment  Option = "new_experiment"  // a new id with the new allocations: everybody is drawn anew
	AdvanceRamp    Option = "advance_ramp"    // the next level of a ramp by levels
	Pause          Option = "pause"           // everybody gets the baseline
)

// NewID stands in paths for the id of the experiment that a handover makes: the member id of the answer to its creation.
const NewID = "NEW_EXPERIMENT_ID"

// A Handover is what a person does next at the tenant: the calls of the Management API, in order. keyramp makes none of them.
type Handover struct {
	SchemaVersion int      `json:"schema_version"`
	Version       string   `json:"keyramp_version"`
	Experiment    string   `json:"experiment_id"`
	Name          string   `json:"name"`
	AsOf          Time     `json:"as_of"`
	Action        Action   `json:"action"`
	Reasons       []string `json:"reasons"`
	Option        Option   `json:"option"`
	Why           string   `json:"why"`           // this option
	Seen          Time     `json:"tenant_seen"`   // when the tenant was last asked how it stands
	Arms          []Shift  `json:"variations"`    // weights now and then; none where the option changes none
	Level         *int     `json:"current_level"` // of a ramp by levels
	NextLevel     *int     `json:"next_level"`
	Calls         []Call   `json:"calls"`
	Back          []Call   `json:"if_refused_while_paused"` // lets the experiment go on as it was
	After         []string `json:"afterwards"`              // for people

	New *Draft `json:"-"` // of a NewExperiment: the body that makes it
}

// A Shift is the weight of one variation before and after, in percent.
type Shift struct {
	Variation string `json:"variation_id"`
	Name      string `json:"name"`
	Control   bool   `json:"is_control"`
	Now       int    `json:"weight_now"`
	Then      int    `json:"weight_then"`
}

// A Call is one request to the tenant.
type Call struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Body   any    `json:"body"`
	Why    string `json:"why"`
	Valid  bool   `json:"expects_is_valid"` // the answer must say is_valid: true
	Makes  string `json:"makes,omitempty"`  // the id in the answer stands where this word is in later paths

	Pauses  bool `json:"-"` // from here on the experiment gives nobody the treatment
	Resumes bool `json:"-"` // until here
}

type allocation struct {
	Variation string `json:"variation_id"`
	Weight    int    `json:"weight"`
	Control   bool   `json:"is_control"`
}

// A Draft is the body of the call that makes an experiment.
type Draft struct {
	Name        string       `json:"name"`
	Flag        string       `json:"feature_flag_id"`
	Flow        string       `json:"authentication_flow"`
	Strategy    string       `json:"allocation_strategy"`
	Assignment  *subject     `json:"assignment_config,omitempty"` // of the first publication of the API
	Allocations []allocation `json:"allocations"`
}

type subject struct {
	Subject string `json:"subject"`
}

type body map[string]any

const experimentsPath = "/api/v2/experimentation/experiments"

// ErrHandover says that the next calls cannot be told, and why.
var ErrHandover = errors.New("the next calls cannot be told")

// HandOver lists the calls that bring the tenant to what a decision recommends. observed is what the tenant said of the
// experiment and of those that it continues, oldest first. via forces SameExperiment or NewExperiment; "" leaves the
// choice to what the tenant says may be edited.
func HandOver(d Decision, observed []store.Observation, via Option) (*Handover, error) {
	h := &Handover{SchemaVersion: SchemaVersion, Version: d.Version, Experiment: d.Experiment, Name: d.Name, AsOf: d.AsOf,
		Action: d.Action, Reasons: d.Reasons, Option: Nothing, Why: "the decision keeps the share",
		Arms: []Shift{}, Calls: []Call{}, Back: []Call{}, After: []string{}}
	if d.Action != Ramp && d.Action != RollBack {
		return h, nil
	}
	var now *store.Observation
	for i := range observed {
		if observed[i].Experiment == d.Experiment {
			now = &observed[i]
		}
	}
	refuse := func(format string, args ...any) (*Handover, error) {
		return nil, fmt.Errorf("%w: "+format, append([]any{ErrHandover}, args...)...)
	}
	switch {
	case now == nil:
		return refuse("nobody told how the experiment is set at the tenant; pull reads it, with the scope read:experimentation")
	case now.Status != "active" && d.Action == RollBack:
		h.Seen, h.Why = Time(now.Seen), "nobody gets the treatment: the tenant has the experiment as "+now.Status
		return h, nil
	case now.Status != "active":
		return refuse("the tenant had the experiment as %s when it was last asked, at %s", now.Status, Time(now.Seen))
	}
	h.Seen = Time(now.Seen)
	if now.Level >= 0 && len(now.Levels) > 0 {
		h.Level = ptr(now.Level)
	}
	if d.Action == RollBack && len(d.Treatments) == len(d.AlsoRollBack)+1 {
		h.pause(now)
		return h, nil
	}
	if d.Action == Ramp && d.TargetLevel != nil && via == "" && len(d.AlsoRollBack) == 0 {
		if now.Level >= *d.TargetLevel {
			h.Why = fmt.Sprintf("the tenant is at level %d already", now.Level)
			return h, nil
		}
		h.advance(*d.TargetLevel)
		return h, nil
	}
	if h.Level != nil && via != NewExperiment {
		if via == SameExperiment {
			return refuse("the experiment goes by levels and has no weights")
		}
		via = NewExperiment
		h.Why = "the last level is reached, and levels cannot be changed in an experiment that has started"
	}
	if fault := h.weigh(d, now); fault != "" {
		return refuse("%s", fault)
	}
	if !slices.ContainsFunc(h.Arms, func(s Shift) bool { return s.Now != s.Then }) {
		h.Why = "the tenant has these weights already"
		return h, nil
	}
	if h.Option = via; via == "" {
		h.Option, h.Why = choose(observed)
	} else if h.Why == "the decision keeps the share" {
		h.Why = "asked for"
	}
	draft := Draft{Name: renamed(now.Name, h.Arms), Flag: now.Flag, Flow: now.Flow, Strategy: "percentage", Allocations: h.allocations()}
	if now.Subject != "" {
		draft.Assignment = &subject{now.Subject}
	}
	if h.Option == SameExperiment {
		h.reweigh()
		return h, nil
	}
	if now.Flag == "" || now.Flow == "" {
		return refuse("a new experiment needs the feature flag and the flow of the old one, and the tenant did not tell them; pull asks again")
	}
	h.renew(draft)
	return h, nil
}

// choose reads from what was editable while an experiment was paused whether its allocations can be changed then.
func choose(observed []store.Observation) (Option, string) {
	for _, o := range slices.Backward(observed) {
		if o.Status != "paused" || len(o.Editable) == 0 {
			continue
		}
		if slices.Contains(o.Editable, "allocations") {
			return SameExperiment, "the tenant lets allocations be edited while an experiment is paused (editable_fields, " + Time(o.Seen).String() + ")"
		}
		return NewExperiment, "the tenant lets allocations be edited in a draft alone (editable_fields of the paused experiment, " + Time(o.Seen).String() + ")"
	}
	return SameExperiment, "the tenant was never seen with a paused experiment, so whether it lets allocations be edited then shows when it is asked"
}

// weigh works out the weights of the next step: a treatment that ramps gets its target, one that is rolled back nothing,
// and the others keep theirs as long as control keeps any; control gets what is left.
func (h *Handover) weigh(d Decision, now *store.Observation) (fault string) {
	control, left := -1, 100
	for i, a := range now.Arms {
		weight := a.Weight
		if weight < 0 {
			weight = 0 // by levels
		}
		s := Shift{Variation: a.Variation, Name: a.Name, Control: a.Control, Now: weight, Then: weight}
		for _, v := range d.Treatments {
			if v.Treatment.ID != a.Variation {
				continue
			}
			switch {
			case v.Action == RollBack:
				s.Then = 0
			case v.Treatment.ID == d.Treatment.ID && v.TargetShare != nil:
				s.Then = int(math.Round(100 * *v.TargetShare))
			}
		}
		if a.Control && control < 0 {
			control = i
		} else if a.Control {
			return "the experiment has several controls, and how they share what is left is for a person to say"
		}
		h.Arms = append(h.Arms, s)
	}
	if control < 0 {
		return "no variation of the experiment is control"
	}
	for i, s := range h.Arms {
		if i != control {
			left -= s.Then
		}
	}
	if left < 0 || left == 0 && d.TargetShare != nil && *d.TargetShare < 1 {
		for i, s := range h.Arms { // there is room for the one that ramps alone
			if i != control && s.Variation != d.Treatment.ID && s.Then > 0 {
				left += s.Then
				h.Arms[i].Then = 0
			}
		}
	}
	h.Arms[control].Then = left
	return ""
}

func (h *Handover) allocations() (out []allocation) {
	for _, s := range h.Arms {
		out = append(out, allocation{s.Variation, s.Then, s.Control})
	}
	return out
}

func (h *Handover) path(id, verb string) string {
	if verb != "" {
		verb = "/" + verb
	}
	return experimentsPath + "/" + url.PathEscape(id) + verb
}

func (h *Handover) status(id, status, why string) Call {
	return Call{Method: "POST", Path: h.path(id, "status"), Body: body{"status": status}, Why: why,
		Pauses: status == "paused", Resumes: status == "active"}
}

func (h *Handover) validate(id, why string) Call {
	return Call{Method: "POST", Path: h.path(id, "validate"), Body: body{}, Why: why, Valid: true}
}

func (h *Handover) pause(now *store.Observation) {
	h.Option, h.Why = Pause, "a paused experiment sends everybody back to the baseline at once, and can go on later"
	for _, a := range now.Arms {
		if a.Weight >= 0 {
			h.Arms = append(h.Arms, Shift{Variation: a.Variation, Name: a.Name, Control: a.Control, Now: a.Weight, Then: a.Weight})
		}
	}
	h.Calls = append(h.Calls, h.status(h.Experiment, "paused", "new logins get the baseline; logins in flight end as they began"))
	h.After = append(h.After, "Once the cause is known, complete the experiment, which is final, or start a new one.")
}

func (h *Handover) advance(level int) {
	h.Option, h.Why, h.NextLevel = AdvanceRamp, "the experiment ramps by levels: the next one needs no pause", &level
	h.Calls = append(h.Calls,
		h.validate(h.Experiment, "validate first"),
		Call{Method: "POST", Path: h.path(h.Experiment, "advance-ramp"), Body: body{"target_level": level}, Why: "the next level"})
	h.After = append(h.After, "A level cannot be taken back: the way back is to pause.")
}

func (h *Handover) reweigh() {
	h.Calls = append(h.Calls,
		h.validate(h.Experiment, "validate first"),
		h.status(h.Experiment, "paused", "weights cannot be changed while it is active; logins in flight keep their variation"),
		Call{Method: "PATCH", Path: h.path(h.Experiment, ""), Body: body{"allocations": h.allocations()}, Why: "the new weights, in the same order: so people keep their buckets"},
		h.validate(h.Experiment, "are they accepted?"),
		h.status(h.Experiment, "active", "go on"))
	h.Back = append(h.Back, h.status(h.Experiment, "active", "go on with the weights that were in force"))
	h.After = append(h.After, "If the new weights are refused because allocations are editable in a draft alone, use `keyramp decide --emit curl --via new_experiment`.")
}

func (h *Handover) renew(draft Draft) {
	h.New = &draft
	h.Calls = append(h.Calls,
		Call{Method: "POST", Path: experimentsPath, Body: draft, Why: "a draft with the new weights", Makes: NewID},
		h.status(h.Experiment, "paused", "one active experiment a flow: the old one makes room, and could still go on"),
		h.validate(NewID, "is the new one ready?"),
		h.status(NewID, "active", "start the new one"),
		h.status(h.Experiment, "completed", "end the old one, which is final"))
	h.Back = append(h.Back, h.status(h.Experiment, "active", "go on with the old experiment; the draft can be deleted"))
	h.After = append(h.After, "Tell keyramp that the new experiment goes on with the old one: in the settings file, experiments: "+NewID+": continues: ["+h.Experiment+"].")
}

// renamed is the name of a new experiment: the old one with the weight of its treatments in the place of the old weight.
func renamed(name string, arms []Shift) string {
	var was, is []string
	for _, s := range arms {
		if !s.Control {
			was, is = append(was, fmt.Sprint(s.Now)), append(is, fmt.Sprint(s.Then))
		}
	}
	base := strings.TrimSuffix(name, "-"+strings.Join(was, "-"))
	return strings.TrimPrefix(base+"-"+strings.Join(is, "-"), "-")
}
