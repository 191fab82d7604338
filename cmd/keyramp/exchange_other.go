//go:build !linux

package main

import "errors"

// exchangeNames is what this system cannot do.
func exchangeNames(_, _ string) error { return errors.ErrUnsupported }
