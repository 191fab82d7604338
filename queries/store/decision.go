package store

// A Decision is one recorded answer. It is appended once and never changed: it holds sums and no person's key, so it
// stays as it is when people are forgotten or events are purged.
type Decision struct {
	ID         string // equal for equal questions with equal answers
	Experiment string
	Made       Micros // when it was asked for
	AsOf       Micros
	Phase      int // the last one of the experiment; 0 = none
	Action     string
	SignedBy   string // who accepted what holds a ramp back; "" = nobody
	Version    string // of keyramp
	Plan       string // in force, JSON
	Record     string // all that it was made of and what was printed, JSON; "" in lists
}
