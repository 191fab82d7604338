package synth

import (
	"strconv"
	"time"

	"keyramp/fixtures/draw"
)

// A Config says which log to make. Equal configs make equal bytes.
type Config struct {
	Seed   uint64 `json:"seed"`
	Events int    `json:"events"`
}

// Begin and End bound the dates of a log of any size, so that more events mean
// a busier tenant.
var (
	Begin = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	End   = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
)

// Shares of what varies.
const (
	redelivered  = 0.005
	shuffled     = 0.10 // lines whose members stand in another order
	unresolved   = 0.03 // logins of an experiment's application without metadata
	bareFailures = 0.40 // failures of it without metadata
	repeated     = 0.50 // events that repeat their log_id as _id
	secondDevice = 0.10 // people who have one, and use it for a third of their logins
	perPerson    = 12   // events, on average
)

// Salts part the hashes that are drawn for different ends.
const (
	saltEvent = iota + 1
	saltPerson
	saltDevice
	saltArm
	saltSession
	saltCopy
)

// A Tag is what the programs of the benchmark count events by: ids are empty
// where an event carries no experiment.
type Tag struct{ Experiment, Variation, Type string }

// An event is what its details need to know.
type event struct {
	h         uint64
	kind      *kind
	date      int64 // epoch ms
	began     int64 // of its login
	person    uint64
	device    uint64
	client    *client
	login     bool // by a person
	legacy    bool
	tag       Tag
	isControl bool
}

// A Writer renders the events of a log. It holds scratch memory: one goroutine
// uses it at a time.
type Writer struct {
	c            Config
	persons      float64
	step         float64 // ms between events
	top, details object
}

// NewWriter makes a writer of one log.
func NewWriter(c Config) *Writer {
	return &Writer{c: c, persons: float64(max(1, c.Events/perPerson)), step: float64(End.Sub(Begin).Milliseconds()) / float64(c.Events)}
}

// Append appends event i without a line end and says how it is counted.
func (w *Writer) Append(dst []byte, i int) ([]byte, Tag) {
	e, r := w.draw(i)
	var order *random
	if r.chance(shuffled) {
		order = &r
	}
	w.details.reset()
	e.kind.details(&w.details, e)
	if e.tag.Experiment != "" {
		w.experiment(e)
	} else if e.login && e.h%3 == 0 {
		w.details.raw("experiment", "null")
	}
	w.top.reset()
	w.around(e)
	if len(w.details.ends) == 0 {
		w.top.raw("details", "null")
	} else {
		w.top.object("details", &w.details, order)
	}
	w.after(e, i)
	return w.top.appendTo(dst, order), e.tag
}

// draw decides what event i is. The random goes on with what is left open.
func (w *Writer) draw(i int) (*event, random) {
	e := &event{h: draw.Hash(w.c.Seed, saltEvent, uint64(i))}
	r := random(e.h)
	e.kind = pickKind(&r)
	e.tag.Type = e.kind.code
	e.date = Begin.UnixMilli() + int64((float64(i)+draw.Unit(r.next()))*w.step)
	e.began = e.date - 2000 - int64(r.below(40_000))
	e.login = e.kind.carry != machine
	if !e.login {
		e.client = &machines[r.below(len(machines))]
		return e, r
	}
	u := draw.Unit(r.next())
	e.person = draw.Hash(w.c.Seed, saltPerson, uint64(w.persons*u*u*u)) // the cube makes the heavy tail
	slot := uint64(0)
	if draw.Unit(draw.Mix(e.person)) < secondDevice && r.below(3) == 0 {
		slot = 1
	}
	e.device = draw.Hash(e.person, saltDevice, slot)
	e.legacy = e.person%11 == 0
	app := 0
	switch v := r.below(100); {
	case v >= 80:
		app = 2
	case v >= 55:
		app = 1
	}
	e.client = &clients[app]
	bare := map[carry]float64{always: unresolved, mostly: bareFailures}[e.kind.carry]
	if app < len(Experiments) && e.kind.carry != never && !r.chance(bare) {
		w.assign(e, &Experiments[app])
	}
	return e, r
}

// assign gives the event the variation of its device.
func (w *Writer) assign(e *event, x *Experiment) {
	bucket := int(draw.Hash(e.device, saltArm) % 100)
	for i, v := range x.Variations {
		if bucket -= v.Weight; bucket < 0 {
			e.tag.Experiment, e.tag.Variation, e.isControl = x.ID, v.ID, i == 0
			return
		}
	}
}

func (w *Writer) experiment(e *event) {
	o := &w.details
	o.name("experiment")
	o.members = append(o.members, `{"experiment_id":"`...)
	o.members = append(o.members, e.tag.Experiment...)
	o.members = append(o.members, `","variation_id":"`...)
	o.members = append(o.members, e.tag.Variation...)
	o.members = append(o.members, `","is_control":`...)
	o.members = strconv.AppendBool(o.members, e.isControl)
	o.members = append(o.members, `,"allocation_strategy":"percentage"}`...)
	o.done()
}

// around appends what stands before the details: time, type, who and where.
func (w *Writer) around(e *event) {
	o := &w.top
	o.quoted("date", func(dst []byte) []byte {
		return time.UnixMilli(e.date).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	})
	o.text("type", e.kind.code)
	if e.kind.description != "" {
		o.text("description", e.kind.description)
	}
	if e.login {
		c := connections[0]
		if e.legacy {
			c = connections[1]
		}
		o.text("connection", c.name)
		o.text("connection_id", c.id)
	}
	o.text("client_id", e.client.id)
	o.text("client_name", e.client.name)
	o.quoted("ip", func(dst []byte) []byte { return appendIP(dst, e.device) })
	if e.kind.carry != mostly { // failures have none
		o.text("hostname", hostname)
	}
	if !e.login {
		o.text("user_agent", "Other 0.0.0 / Other 0.0.0")
		o.text("user_id", "")
		o.text("user_name", "")
		return
	}
	if mobile(e.device) {
		o.text("user_agent", mobiles[e.device>>8%uint64(len(mobiles))])
	} else {
		o.text("user_agent", desktops[e.device>>8%uint64(len(desktops))])
	}
	o.quoted("user_id", func(dst []byte) []byte { return appendUserID(dst, e.person) })
	o.quoted("user_name", func(dst []byte) []byte { return appendEmail(dst, e.person) })
	o.text("strategy", "auth0")
	o.text("strategy_type", "database")
}

// after appends what Auth0 adds to every event.
func (w *Writer) after(e *event, i int) {
	o := &w.top
	if e.login {
		if e.h%4 == 0 {
			o.raw("scope", `["openid","profile","email"]`)
		} else {
			o.text("scope", "openid profile email offline_access")
		}
		o.raw("auth0_client", `{"name":"auth0.js","env":{"lock":"","ulp":"1.61.0"},"version":"9.28.0"}`)
	} else {
		o.text("audience", `https:\/\/acme-demo.eu.auth0.com\/api\/v2\/`)
		o.text("scope", "read:logs read:experimentation read:users read:clients")
		o.raw("auth0_client", `{"name":"node-auth0","env":{"node":"22.11.0"},"version":"7.6.0"}`)
	}
	o.name("location_info")
	o.members = append(o.members, '{')
	o.members = append(o.members, places[e.device>>16%uint64(len(places))]...)
	o.members = append(o.members, '}')
	o.done()
	o.name("security_context")
	o.members = hex(append(o.members, `{"ja3":"`...), e.device, 32)
	o.members = append(o.members, `"}`...)
	o.done()
	o.name("references")
	o.members = hex(append(o.members, `{"correlation_id":"`...), e.h+2, 32)
	o.members = hex(append(o.members, `","trace_id":"`...), e.h+3, 32)
	o.members = append(o.members, `"}`...)
	o.done()
	o.raw("$event_schema", `{"version":"1.0.0"}`)
	o.text("tenant_name", tenantName)
	o.text("environment_name", "prod-eu-2")
	o.bool("isMobile", e.login && mobile(e.device))
	id := func(dst []byte) []byte { return appendLogID(dst, e, i) }
	o.quoted("log_id", id)
	if draw.Unit(draw.Mix(e.h+4)) < repeated {
		o.quoted("_id", id)
	}
}

func mobile(device uint64) bool { return device>>4%5 < 2 }

// appendLogID appends 56 digits: 900, the time of arrival to the microsecond,
// zeros, and a tail that makes it unique.
func appendLogID(dst []byte, e *event, i int) []byte {
	us := e.date*1000 + 50_000 + int64(draw.Mix(e.h+1)%850_000)
	dst = time.UnixMicro(us).UTC().AppendFormat(append(dst, "900"...), "20060102150405")
	dst = appendPadded(dst, uint64(us%1_000_000), 6)
	dst = append(dst, "00000000000000"...)
	return appendPadded(dst, 1223372055510000000+uint64(i), 19)
}

func appendIP(dst []byte, device uint64) []byte {
	if device%4 == 0 {
		dst = hex(append(dst, "2001:db8:"...), device, 4)
		return hex(append(dst, "::"...), device+1, 4)
	}
	dst = append(dst, "203.0."...)
	dst = strconv.AppendUint(dst, device>>24%256, 10)
	return strconv.AppendUint(append(dst, '.'), device>>32%256, 10)
}

func appendUserID(dst []byte, person uint64) []byte {
	return hex(append(dst, "auth0|"...), person, 24)
}

func appendEmail(dst []byte, person uint64) []byte {
	dst = append(dst, names[person>>8%uint64(len(names))]...)
	dst = strconv.AppendUint(append(dst, '.'), person>>40, 10)
	return append(dst, "@example.org"...)
}
