// Package syncpoint names the moments of a run at which a crash, a signal or another
// process makes a difference, so that the tests of crashes can meet them exactly and
// need not wait for luck.
package syncpoint

// Hook is told of every point that a run reaches, and may hold it there or end the
// process. It is nil in keyramp: only a test binary sets it, in its TestMain, and a test
// of cmd/keyramp holds that no other code does. No flag, file or variable of the
// environment can.
var Hook func(name, about string)

// Reach tells Hook that the run is at a point. about says more where a test needs it,
// for instance the cursor behind a batch.
func Reach(name, about string) {
	if Hook != nil {
		Hook(name, about)
	}
}
