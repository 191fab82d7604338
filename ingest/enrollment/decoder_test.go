package enrollment

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.uber.org/goleak"

	"keyramp/fixtures/tenant"
	"keyramp/ingest"
	"keyramp/queries/store"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // as the command does: net/http quotes odd answers there
	goleak.VerifyTestMain(m)
}

var names = ingest.NewPseudonyms([16]byte{1, 2, 3})

const page = "urn:app:enroll-passkey"

func micros(t testing.TB, s string) store.Micros {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixMicro()
}

// one decodes a single event.
func one(d *Decoder, raw string) (store.PageEvent, *store.Batch, error) {
	var b store.Batch
	err := d.Decode([]byte(raw), &b)
	if len(b.Pages) == 1 {
		return b.Pages[0], &b, err
	}
	return store.PageEvent{}, &b, err
}

const envelope = `{"specversion":"1.0","id":"01938f1e","source":"urn:app:enroll-passkey","type":"passkey.enrollment.completed","time":"2026-11-22T10:15:30.123Z",
 "data":{"experiment_id":"exp_5Dt3","variation_id":"var_7Qr1","user_id":"auth0|user_xyz","session_id":"s1","transaction_id":"t1","assignment_verified":true}}`

func TestForms(t *testing.T) {
	at := micros(t, "2026-11-22T10:15:30.123Z")
	whole := store.PageEvent{ID: names.PageID(page, "01938f1e"), At: at, Phase: store.Completed, Experiment: "exp_5Dt3", Variation: "var_7Qr1",
		User: names.User("auth0|user_xyz"), Session: names.Session("s1"), Transaction: names.Transaction("t1"), Verified: true}
	bare := store.PageEvent{ID: names.PageID(page, "e1"), At: at, Phase: store.Shown, Experiment: "e", Variation: "v"}
	for name, c := range map[string]struct {
		raw  string
		want store.PageEvent
	}{
		"CloudEvents":                {envelope, whole},
		"CloudEvents without a user": {`{"data":{"variation_id":"v","experiment_id":"e"},"specversion":"1.0","id":"e1","source":"urn:app:enroll-passkey","type":"passkey.enrollment.shown","time":"2026-11-22T12:15:30.123+02:00","datacontenttype":"application/json"}`, bare},
		"CloudEvents with nulls":     {`{"data":{"variation_id":"v","experiment_id":"e","user_id":null,"session_id":null,"assignment_verified":null,"attempt":null,"error_code":null},"specversion":"1.0","id":"e1","source":"urn:app:enroll-passkey","type":"passkey.enrollment.shown","time":"2026-11-22T10:15:30.123Z","datacontenttype":null}`, bare},
		"unknown members are dropped, personal data among them": {`{"data":{"variation_id":"v","experiment_id":"e","email":"pat@example.org","credential":{"id":[1]},"user_id":""},"subject":"pat@example.org","specversion":"1.0","id":"e1","source":"urn:app:enroll-passkey","type":"passkey.enrollment.shown","time":"2026-11-22T10:15:30.123Z","ip":"203.0.113.5"}`, bare},
		"flat":                       {`{"id":"e1","time":"2026-11-22T10:15:30.123Z","event":"shown","experiment_id":"e","variation_id":"v"}`, bare},
		"flat by other names":        {`{"event_id":"e1","occurred_at":"2026-11-22T10:15:30.123Z","event":"viewed","experiment_id":"e","variation_id":"v","received_at":"2026-11-22T10:15:31Z","state_hash":"5c1e","user_agent":"Chrome 141 / macOS","client_id":"c"}`, bare},
		"flat by both names, agreed": {`{"id":"e1","event_id":"e1","time":"2026-11-22T10:15:30.123Z","occurred_at":"2026-11-22T10:15:30.123Z","event":"viewed","experiment_id":"e","variation_id":"v","user_id":null}`, bare},
		"flat with everything":       {`{"id":"e1","time":"2026-11-22T10:15:30.123Z","event":"failed","experiment_id":"e","variation_id":"v","user_id":"auth0|user_xyz","session_id":"s1","transaction_id":"t1","assignment_verified":true,"error_code":"NotAllowedError","attempt":2}`, store.PageEvent{ID: bare.ID, At: at, Phase: store.Failed, Experiment: "e", Variation: "v", User: whole.User, Session: whole.Session, Transaction: whole.Transaction, Verified: true}},
	} {
		got, _, err := one(&Decoder{Pseudonyms: names, Source: page}, c.raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// TestIdentity: source and id name an event; a resend has the same content, and
// another content under the same name shows.
func TestIdentity(t *testing.T) {
	d := &Decoder{Pseudonyms: names, Source: page}
	first, _, _ := one(d, envelope)
	again, _, _ := one(d, strings.Replace(envelope, `"specversion"`, `"x":1,"specversion"`, 1))
	if first != again {
		t.Errorf("a resend differs: %+v, %+v", first, again)
	}
	other, _, _ := one(d, strings.Replace(envelope, "var_7Qr1", "var_other", 1))
	if other.ID != first.ID || other.Content() == first.Content() {
		t.Error("a conflict does not show")
	}
	elsewhere, _, _ := one(d, strings.Replace(envelope, page, page+"2", 1))
	if elsewhere.ID == first.ID {
		t.Error("another source has the same identity")
	}
}

func TestFuture(t *testing.T) {
	at := micros(t, "2026-11-22T10:15:30.123Z")
	for received, want := range map[store.Micros]bool{
		0: false, at: false, at + 1: false, at - 5*60e6: false, at - 5*60e6 - 1: true, at - 86400e6: true,
	} {
		got, _, err := one(&Decoder{Pseudonyms: names, Received: received}, envelope)
		if err != nil || got.Future != want {
			t.Errorf("dated %d µs after arrival: future %v, error %v", at-received, got.Future, err)
		}
	}
}

// change returns the envelope with one member set to raw JSON, or without it.
func change(t testing.TB, place, raw string) string {
	t.Helper()
	var outer map[string]json.RawMessage
	if err := json.Unmarshal([]byte(envelope), &outer); err != nil {
		t.Fatal(err)
	}
	set := func(m map[string]json.RawMessage, name string) {
		if raw == "" {
			delete(m, name)
		} else {
			m[name] = json.RawMessage(raw)
		}
	}
	if name, inner := strings.CutPrefix(place, "data."); inner {
		var data map[string]json.RawMessage
		if err := json.Unmarshal(outer["data"], &data); err != nil {
			t.Fatal(err)
		}
		set(data, name)
		outer["data"], _ = json.Marshal(data)
	} else {
		set(outer, place)
	}
	b, err := json.Marshal(outer)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func text(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// values are put into every member of the envelope, one at a time.
var values = []string{
	"", `null`, `true`, `false`, `0`, `1`, `1.0`, `1e3`, `1000`, `1001`, `-1`, `1.5`, `12345`, `[]`, `{}`, `["a"]`, `{"a":1}`, `""`, `" "`, `"a"`, `"1.0"`, `"1"`, `"true"`,
	`"application/json"`, `"application/cloudevents+json"`, `"exp_1"`, `"a b"`, `"a/b"`, `"ä"`, `"a\nb"`, `"a\n"`, `"\ud800"`, `"a\\b"`, `"%zz"`, `"http://[::1"`, `"//h/p?q#f"`, `"urn:x"`, `"NotAllowedError"`,
	`"passkey.enrollment.shown"`, `"passkey.enrollment.viewed"`, `"Passkey.enrollment.shown"`, `"x9_.enrollment.failed"`, `"9.enrollment.failed"`, `"passkey.enrollment.shown "`, `".enrollment.shown"`,
	`"2026-11-22T10:15:30Z"`, `"2026-11-22T10:15:30.123456789Z"`, `"2026-11-22T10:15:30.1234567890Z"`, `"2026-11-22T10:15:30"`, `"2026-11-22 10:15:30Z"`, `"2026-11-22T10:15:30+14:00"`, `"2026-11-22T10:15:30-00:00"`,
	`"2026-11-22T10:15:30+24:00"`, `"2026-11-22T10:15:30+0100"`, `"2026-11-22T10:15:30+10:60"`, `"2026-11-22t10:15:30z"`, `"2026-11-31T10:15:30Z"`, `"2028-02-29T10:15:30Z"`, `"2027-02-29T10:15:30Z"`, `"2026-11-22T24:00:00Z"`, `"2026-11-22T10:60:00Z"`,
	`"2026-06-30T23:59:60Z"`, `"1970-01-01T00:00:00Z"`, `"1999-12-31T23:59:59Z"`, `"2000-01-01T00:00:00+01:00"`, `"9999-12-31T23:59:59Z"`, `"2026-11-22T10:15:30,5Z"`, `"2026-11-22T10:15:30.Z"`, `1793697221400`, `"1793697221400"`, `"20261122T101530Z"`,
	text(strings.Repeat("a", 64)), text(strings.Repeat("a", 65)), text(strings.Repeat("ä", 128)), text(strings.Repeat("ä", 129)), text(strings.Repeat("a", 256)), text(strings.Repeat("a", 257)), text(strings.Repeat("😀", 128)),
	text(strings.Repeat("a", 32) + ".enrollment.shown"), text(strings.Repeat("a", 33) + ".enrollment.shown"),
}

var places = []string{"specversion", "id", "source", "type", "time", "subject", "datacontenttype", "data", "data.experiment_id", "data.variation_id",
	"data.user_id", "data.session_id", "data.transaction_id", "data.assignment_verified", "data.error_code", "data.attempt", "data.email"}

func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("urn:keyramp:schema:enrollment-event:v1", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("urn:keyramp:schema:enrollment-event:v1")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// agree holds the published schema against the code.
func agree(t *testing.T, s *jsonschema.Schema, raw string) (accepted bool) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
	if err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	bySchema := s.Validate(doc)
	_, _, byCode := one(&Decoder{Pseudonyms: names}, raw)
	if (bySchema == nil) != (byCode == nil) {
		t.Errorf("the schema says %v, the code says %v: %s", bySchema, byCode, raw)
	}
	return byCode == nil
}

// TestSchema: code and published schema accept the same events.
func TestSchema(t *testing.T) {
	s := schema(t)
	if !agree(t, s, envelope) {
		t.Fatal("the example is refused")
	}
	accepted, refused := 0, 0
	for _, place := range places {
		for _, v := range values {
			if place == "specversion" && (v == "" || v == "null") {
				continue // without it the event is no CloudEvent and may be flat
			}
			if agree(t, s, change(t, place, v)) {
				accepted++
			} else {
				refused++
			}
		}
	}
	if accepted < 200 || refused < 400 {
		t.Errorf("%d accepted, %d refused: the table has lost its meaning", accepted, refused)
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 3000 { // two members at once, in the hope of an odd pair
		var outer, data map[string]json.RawMessage
		json.Unmarshal([]byte(envelope), &outer)
		json.Unmarshal(outer["data"], &data)
		for range 2 {
			v := json.RawMessage(values[1+rnd.IntN(len(values)-1)])
			if name, in := strings.CutPrefix(places[1+rnd.IntN(len(places)-1)], "data."); in {
				data[name] = v
			} else if name != "data" {
				outer[name] = v
			}
		}
		outer["data"], _ = json.Marshal(data)
		raw, _ := json.Marshal(outer)
		agree(t, s, string(raw))
	}
}

// TestRejects: each rejection has a reason and a rule, and no word of the record.
func TestRejects(t *testing.T) {
	const canary = "pat@example.org"
	deep := strings.Repeat("[", 16) + strings.Repeat("]", 16)
	for name, c := range map[string]struct {
		raw, reason string
	}{
		"not JSON":              {`{"specversion":"1.0",` + canary, ingest.ReasonSyntax},
		"an array":              {`["` + canary + `"]`, ingest.ReasonSyntax},
		"empty":                 {``, ingest.ReasonSyntax},
		"invalid UTF-8":         {"{\"event\":\"\xff\"}", ingest.ReasonEncoding},
		"neither form":          {`{"id":"` + canary + `"}`, ingest.ReasonContract},
		"another version":       {change(t, "specversion", text("0.3"+canary)), ingest.ReasonContract},
		"no id":                 {change(t, "id", ""), ingest.ReasonNoID},
		"empty id":              {change(t, "id", `""`), ingest.ReasonNoID},
		"long id":               {change(t, "id", text(canary+strings.Repeat("x", 128))), ingest.ReasonContract},
		"no source":             {change(t, "source", ""), ingest.ReasonNoID},
		"source is no URI":      {change(t, "source", text(`http://[`+canary)), ingest.ReasonContract},
		"unknown phase":         {change(t, "type", text("passkey.enrollment."+canary)), ingest.ReasonContract},
		"no time":               {change(t, "time", ""), ingest.ReasonTime},
		"time without zone":     {change(t, "time", `"2026-11-22T10:15:30"`), ingest.ReasonTime},
		"data is text":          {change(t, "data", text(canary)), ingest.ReasonContract},
		"no data":               {change(t, "data", ""), ingest.ReasonContract},
		"experiment with space": {change(t, "data.experiment_id", text("a "+canary)), ingest.ReasonContract},
		"empty variation":       {change(t, "data.variation_id", `""`), ingest.ReasonContract},
		"user is a number":      {change(t, "data.user_id", `17`), ingest.ReasonContract},
		"attempt as text":       {change(t, "data.attempt", text(canary)), ingest.ReasonContract},
		"too deep":              {change(t, "data.x", deep), ingest.ReasonDepth},
		"too large":             {change(t, "data.x", text(strings.Repeat("x", 64<<10))), ingest.ReasonSize},
		"flat without id":       {`{"time":"2026-11-22T10:15:30Z","event":"shown","experiment_id":"e","variation_id":"v"}`, ingest.ReasonNoID},
		"flat, ids differ":      {`{"id":"a","event_id":"b","time":"2026-11-22T10:15:30Z","event":"shown","experiment_id":"e","variation_id":"v"}`, ingest.ReasonContract},
		"flat, times differ":    {`{"id":"a","occurred_at":"2026-11-22T10:15:31Z","time":"2026-11-22T10:15:30Z","event":"shown","experiment_id":"e","variation_id":"v"}`, ingest.ReasonContract},
		"flat, unknown event":   {`{"id":"a","time":"2026-11-22T10:15:30Z","event":"` + canary + `","experiment_id":"e","variation_id":"v"}`, ingest.ReasonContract},
		"flat, no variation":    {`{"id":"a","time":"2026-11-22T10:15:30Z","event":"shown","experiment_id":"e"}`, ingest.ReasonContract},
	} {
		_, b, err := one(&Decoder{Pseudonyms: names, Source: page}, c.raw)
		var r *ingest.RejectError
		if !errors.As(err, &r) || r.Reason != c.reason || r.Detail == "" || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v, want %s with a rule", name, err, c.reason)
		}
		if !reflect.DeepEqual(*b, store.Batch{}) {
			t.Errorf("%s: the batch was changed", name)
		}
	}
	if _, _, err := one(&Decoder{Pseudonyms: names}, change(t, "data.x", strings.Repeat("[", 14)+strings.Repeat("]", 14))); err != nil {
		t.Errorf("16 levels: %v", err)
	}
	if _, _, err := one(&Decoder{Pseudonyms: names}, change(t, "data.x", text(strings.Repeat(`[{"\`, 5000)))); err != nil {
		t.Errorf("brackets in a string: %v", err)
	}
}

func TestMappings(t *testing.T) {
	at := micros(t, "2026-11-22T10:15:30.123Z")
	user := names.User("auth0|user_xyz")
	for _, c := range []struct {
		name, mapping, raw string
		want               store.PageEvent
		other              string // counted as this type
		reason             string
	}{
		{name: "segment", mapping: "segment", raw: `{"type":"track","messageId":"m1","timestamp":"2026-11-22T10:15:30.123Z","event":"Passkey Enrolled","userId":"auth0|user_xyz","anonymousId":"a","context":{"ip":"203.0.113.5"},"properties":{"experiment_id":"e","variation_id":"v"}}`,
			want: store.PageEvent{ID: names.PageID("segment", "m1"), At: at, Phase: store.Completed, Experiment: "e", Variation: "v", User: user}},
		{name: "segment without a user", mapping: "segment", raw: `{"messageId":"m1","timestamp":"2026-11-22T10:15:30.123Z","event":"Passkey Enrollment Viewed","userId":null,"properties":{"experiment_id":"e","variation_id":"v"}}`,
			want: store.PageEvent{ID: names.PageID("segment", "m1"), At: at, Phase: store.Shown, Experiment: "e", Variation: "v"}},
		{name: "segment, another event", mapping: "segment", raw: `{"messageId":"m1","timestamp":"2026-11-22T10:15:30.123Z","event":"Order of pat@example.org"}`, other: "segment:other"},
		{name: "segment, no event", mapping: "segment", raw: `{"type":"identify","messageId":"m1","timestamp":"2026-11-22T10:15:30.123Z"}`, other: "segment:other"},
		{name: "segment, no time", mapping: "segment", raw: `{"messageId":"m1","event":"Passkey Enrolled"}`, reason: ingest.ReasonTime},
		{name: "segment, no id", mapping: "segment", raw: `{"timestamp":"2026-11-22T10:15:30.123Z","event":"Passkey Enrolled","properties":{"experiment_id":"e","variation_id":"v"}}`, reason: ingest.ReasonNoID},
		{name: "segment, an object as id", mapping: "segment", raw: `{"messageId":{},"timestamp":"2026-11-22T10:15:30.123Z","event":"Passkey Enrolled","properties":{"experiment_id":"e","variation_id":"v"}}`, reason: ingest.ReasonNoID},
		{name: "segment, true as id", mapping: "segment", raw: `{"messageId":true,"timestamp":"2026-11-22T10:15:30.123Z","event":"Passkey Enrolled","properties":{"experiment_id":"e","variation_id":"v"}}`, reason: ingest.ReasonNoID},
		{name: "segment, null as id", mapping: "segment", raw: `{"messageId":null,"timestamp":"2026-11-22T10:15:30.123Z","event":"Passkey Enrolled","properties":{"experiment_id":"e","variation_id":"v"}}`, reason: ingest.ReasonNoID},
		{name: "segment, escaped", mapping: "segment", raw: `{"messageId":"m\/1","timestamp":"2026-11-22T11:15:30.123\u002b01:00","event":"Passkey Enrolled","userId":"auth0|user_xyz","properties":{"experiment_id":"e","variation_id":"v"}}`,
			want: store.PageEvent{ID: names.PageID("segment", "m/1"), At: at, Phase: store.Completed, Experiment: "e", Variation: "v", User: user}},
		{name: "segment, no experiment", mapping: "segment", raw: `{"messageId":"m1","timestamp":"2026-11-22T10:15:30.123Z","event":"Passkey Enrolled","properties":"none"}`, reason: ingest.ReasonContract},
		{name: "mixpanel in ms", mapping: "mixpanel", raw: `{"event":"Passkey Enrollment Failed","properties":{"time":1795342530123,"distinct_id":"auth0|user_xyz","$insert_id":"i1","experiment_id":"e","variation_id":"v","$city":"Berlin"}}`,
			want: store.PageEvent{ID: names.PageID("mixpanel", "i1\x00Passkey Enrollment Failed\x00auth0|user_xyz\x001795342530123"), At: at, Phase: store.Failed, Experiment: "e", Variation: "v", User: user}},
		{name: "mixpanel in s, a device", mapping: "mixpanel", raw: `{"event":"Passkey Enrollment Skipped","properties":{"time":1795342530,"distinct_id":"$device:17","$insert_id":"i1","experiment_id":"e","variation_id":"v"}}`,
			want: store.PageEvent{ID: names.PageID("mixpanel", "i1\x00Passkey Enrollment Skipped\x00$device:17\x001795342530"), At: at - 123000, Phase: store.Skipped, Experiment: "e", Variation: "v"}},
	} {
		m := Mappings[c.mapping]
		got, b, err := one(&Decoder{Pseudonyms: names, Mapping: &m}, c.raw)
		var r *ingest.RejectError
		switch {
		case c.reason != "":
			if !errors.As(err, &r) || r.Reason != c.reason {
				t.Errorf("%s: %v, want %s", c.name, err, c.reason)
			}
		case c.other != "":
			if want := map[store.FilterKey]int64{{Type: c.other, Day: micros(t, "2026-11-22T00:00:00Z")}: 1}; err != nil || !maps.Equal(b.Filtered, want) || len(b.Pages) > 0 {
				t.Errorf("%s: %+v, error %v", c.name, b, err)
			}
		default:
			if d := cmp.Diff(c.want, got); d != "" || err != nil {
				t.Errorf("%s: %v %s", c.name, err, d)
			}
		}
	}
}

// TestWorld decodes everything that a simulated page sends, in both forms.
func TestWorld(t *testing.T) {
	for _, users := range []bool{false, true} {
		w := tenant.New(tenant.Config{Users: 500, Days: 3, PageUserIDs: users})
		d := &Decoder{Pseudonyms: names, Source: page}
		var b store.Batch
		for i := range w.PageLen() {
			if err := d.Decode(w.AppendPage(nil, i), &b); err != nil {
				t.Fatal(err)
			}
		}
		if len(b.Pages) != w.PageLen() || len(b.Pages) == 0 {
			t.Fatalf("%d of %d", len(b.Pages), w.PageLen())
		}
		if i := slices.IndexFunc(b.Pages, func(e store.PageEvent) bool { return (e.User != 0) != users || e.Verified != users }); i >= 0 {
			t.Errorf("with users %v: %+v", users, b.Pages[i])
		}
	}
}

// FuzzDecode: no panic, an untouched batch beside an error, and ids by the pattern.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(envelope))
	f.Add([]byte(`{"event_id":"e1","occurred_at":"2026-11-22T10:15:30.123Z","event":"viewed","experiment_id":"e","variation_id":"v"}`))
	f.Add([]byte(`{"event":"Passkey Enrolled","properties":{"time":1795342530,"distinct_id":"d","$insert_id":"i1","experiment_id":"e","variation_id":"v"}}`))
	segment, mixpanel := Mappings["segment"], Mappings["mixpanel"]
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, m := range []*Mapping{nil, &segment, &mixpanel} {
			var b store.Batch
			kept := bytes.Clone(raw)
			err := (&Decoder{Pseudonyms: names, Mapping: m}).Decode(raw, &b)
			if !bytes.Equal(raw, kept) {
				t.Fatal("the record was changed")
			}
			if (err == nil) != (len(b.Pages)+len(b.Filtered) == 1) {
				t.Fatalf("error %v beside %+v", err, b)
			}
			var r *ingest.RejectError
			if err != nil && !errors.As(err, &r) {
				t.Fatalf("error %T", err)
			}
			for _, e := range b.Pages {
				if !idForm.MatchString(e.Experiment) || !idForm.MatchString(e.Variation) || e.ID == 0 || e.Phase == "" || e.At == 0 {
					t.Fatalf("%+v", e)
				}
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	d := &Decoder{Pseudonyms: names}
	var batch store.Batch
	raw := []byte(envelope)
	for b.Loop() {
		batch.Reset()
		if err := d.Decode(raw, &batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
