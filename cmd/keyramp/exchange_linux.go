package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// exchangeNames lets two names change places at once. It fails with errors.ErrUnsupported
// where the file system cannot, and with fs.ErrNotExist when one of them is not there.
func exchangeNames(a, b string) error {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	switch err {
	case nil:
		return nil
	case unix.EINVAL, unix.ENOSYS, unix.ENOTSUP:
		return errors.ErrUnsupported
	}
	return &os.LinkError{Op: "exchange", Old: a, New: b, Err: err}
}
