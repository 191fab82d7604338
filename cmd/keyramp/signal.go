package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// A signalError is the cause of a context that a signal ended.
type signalError struct{ sig syscall.Signal }

func (e signalError) Error() string { return fmt.Sprintf("stopped by %v", e.sig) }

// untilSignal ends the context at the first SIGINT or SIGTERM, so that a run
// can commit or drop what it holds and leave cleanly. A second signal ends the
// process at once, as it would without us. One that comes when all is done
// changes nothing: signals stay caught until the process ends.
//
// SIGPIPE becomes an ordinary write error: a reader that has seen enough is
// no failure of ours.
func untilSignal(parent context.Context) context.Context {
	signal.Ignore(syscall.SIGPIPE)
	ctx, cancel := context.WithCancelCause(parent)
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		s := <-caught
		signal.Stop(caught)
		cancel(signalError{s.(syscall.Signal)})
	}()
	return ctx
}
