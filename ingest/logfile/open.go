package logfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Options say what Open leaves out.
type Options struct {
	// Skip are folders and files that are never read, such as keyramp's own store.
	Skip []string
}

// Open finds the files that paths name: a file of any name; the log files in a
// folder and the folders below it; what a glob matches; "-" for stdin. They
// come in the order of paths, those of one folder or glob sorted by name, each
// file once. Nothing is opened before it is read. A path that gives no file
// is an error, and all such errors come at once.
func Open(paths []string, stdin io.Reader, opts Options) ([]*File, error) {
	o := opener{seen: map[string]bool{}}
	var faults []error
	for _, s := range opts.Skip {
		if info, err := os.Stat(s); err == nil {
			o.skip = append(o.skip, info)
		}
	}
	for _, p := range paths {
		if err := o.path(p, stdin); err != nil {
			faults = append(faults, err)
		}
	}
	if len(paths) == 0 {
		faults = append(faults, errors.New("no path is given: name files, folders, globs or - for standard input"))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return o.files, nil
}

type opener struct {
	files []*File
	seen  map[string]bool
	skip  []fs.FileInfo
}

func (o *opener) path(p string, stdin io.Reader) error {
	if p == "-" {
		if stdin == nil {
			return errors.New("-: there is no standard input")
		}
		o.add("-", "", func() (io.Reader, error) { return stdin, nil })
		return nil
	}
	info, err := os.Stat(p)
	if errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(p, "*?[") {
		return o.glob(p)
	}
	if err != nil {
		return err // os names the path
	}
	return o.found(p, info)
}

func (o *opener) glob(p string) error {
	matches, err := filepath.Glob(p)
	if err != nil {
		return fmt.Errorf("%s: is not a pattern: a [ lacks its ]", p)
	}
	slices.Sort(matches)
	none := true
	for _, m := range matches {
		info, err := os.Stat(m)
		if hidden(filepath.Base(m)) || errors.Is(err, fs.ErrNotExist) { // a shell leaves these out too
			continue
		}
		if err != nil {
			return err
		}
		none = false
		if err := o.found(m, info); err != nil {
			return err
		}
	}
	if none {
		return fmt.Errorf("%s: no file matches", p)
	}
	return nil
}

func (o *opener) found(p string, info fs.FileInfo) error {
	if o.within(p) {
		return fmt.Errorf("%s: is keyramp's own: name the folder of the logs", p)
	}
	if !info.IsDir() {
		o.addFile(p)
		return nil
	}
	none := true
	// WalkDir goes through each folder in the order of its names, and follows no link, so the root must not look like one.
	root := p + string(filepath.Separator)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		info, err := os.Stat(path) // of what a link points to
		switch {
		case errors.Is(err, fs.ErrNotExist): // a dangling link, or a file that was just removed
			return nil
		case err != nil:
			return err
		case hidden(d.Name()) || o.skips(info):
			if d.IsDir() {
				return fs.SkipDir
			}
		case info.Mode().IsRegular() && logName(d.Name()):
			none = false
			o.addFile(path)
		}
		return nil
	})
	if err == nil && none {
		err = fmt.Errorf("%s: the folder holds no log files (%s, also with .gz or .zst): name the files to read others", p, strings.Join(endings, ", "))
	}
	return err
}

func (o *opener) skips(info fs.FileInfo) bool {
	return slices.ContainsFunc(o.skip, func(s fs.FileInfo) bool { return os.SameFile(s, info) })
}

// within reports whether p is, or lies in, something to skip.
func (o *opener) within(p string) bool {
	if len(o.skip) == 0 {
		return false
	}
	p, err := filepath.Abs(p)
	for err == nil {
		if info, err := os.Stat(p); err == nil && o.skips(info) {
			return true
		}
		parent := filepath.Dir(p)
		if parent == p {
			break
		}
		p = parent
	}
	return false
}

func (o *opener) addFile(p string) {
	p = filepath.Clean(p)
	o.add(p, p, func() (io.Reader, error) { return os.Open(p) })
}

func (o *opener) add(name, path string, open func() (io.Reader, error)) {
	if o.seen[name] {
		return
	}
	o.seen[name] = true
	o.files = append(o.files, &File{name: "file:" + spelled(filepath.ToSlash(name)), path: path, open: open})
}

// spelled writes what is no UTF-8 in a name as %FF: a source is known by its name, which must stay another for another file.
func spelled(name string) string {
	if utf8.ValidString(name) {
		return name
	}
	var b strings.Builder
	for len(name) > 0 {
		r, n := utf8.DecodeRuneInString(name)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, "%%%02X", name[0])
		} else {
			b.WriteString(name[:n])
		}
		name = name[n:]
	}
	return b.String()
}

// endings are those of the log files in a folder.
var endings = []string{".ndjson", ".jsonl", ".json", ".log"}

func logName(name string) bool {
	for _, packed := range []string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, packed)
	}
	return slices.Contains(endings, filepath.Ext(name))
}

// hidden reports whether a file in a folder is not meant to be read: hidden by
// a dot, or still being written by somebody.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~") || strings.HasPrefix(name, "#") || strings.HasSuffix(name, "~")
}

// Named is the path of the file whose source has a name, given without its "file:": spelled as it is there, or else with
// the bytes that were written as %FF.
func Named(name string) string {
	path := filepath.FromSlash(name)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path
	}
	return foreignByte.ReplaceAllStringFunc(path, func(s string) string {
		b, _ := strconv.ParseUint(s[1:], 16, 8) // two digits
		return string([]byte{byte(b)})
	})
}

// foreignByte is how spelled writes a byte that is no text. A byte of ASCII always is.
var foreignByte = regexp.MustCompile("%[89A-F][0-9A-F]")
