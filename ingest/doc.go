// Package ingest brings records from their sources into a store. A Source
// hands over raw records in order, a Decoder turns each into a row or says why
// not, and the Pump gathers them into batches and commits every batch with the
// cursor behind it. What came in is accounted for to the last record:
//
//	received = stored + duplicate + filtered + rejected
//
// Foreign bytes meet a parser in one place, Decode, behind limits of size and
// nesting. In front of it stands a scanner for tenant log events, which the
// tests hold to the parser: it finds the few members that are read, and leaves
// every record that it is not sure about to the parser. People's ids become
// keyed Pseudonyms while a record is decoded, and everything else that names a
// person is left behind there.
//
// The sources have rooms of their own: auth0, enrollment and logfile. The
// Splitter cuts records out of any stream of JSON. Lines does the same for log
// events, and decodes those that stand one a line on all cores, ahead of the
// Pump: one goroutine reads and unpacks, several decode, one commits.
package ingest
