// Package synth makes tenant logs of any size for the benchmark, together with
// the counts that every program must find in them.
//
// An event is a function of the seed and its number, so files can be made in
// any order and on every core, and a redelivered event is the same bytes again.
// The events look like those of a tenant: 1.1 to 2.1 KB, a log_id of 56 digits,
// prompts, escapes and other alphabets, members that differ by type, and for a
// share of the lines members in another order. Who logs in follows a heavy
// tail. Unlike fixtures/tenant nothing is remembered from event to event, which
// is what makes it fast; it is not a world whose statistics mean anything.
package synth
