// Package logfile reads records from files, folders, globs and standard input:
// plain, gzip or zstd, told apart by their first bytes and never by their
// names, in every JSON form that a log export or a log stream has. Tenant log
// events and page events are read alike; what a record means is the decoder's
// business.
package logfile
