package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// A lineHandler prints log records as `keyramp: message key=value`, the form
// that errors have too. It is for people at a terminal and for job logs that
// stamp their own times. No record leaves it with a secret in it.
type lineHandler struct {
	w     io.Writer
	mu    *sync.Mutex
	level slog.Leveler
	hide  *redactor
	attrs string
}

func newLogger(w io.Writer, level slog.Leveler, hide *redactor) *slog.Logger {
	return slog.New(&lineHandler{w: w, mu: &sync.Mutex{}, level: level, hide: hide})
}

func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString("keyramp: ")
	switch {
	case r.Level >= slog.LevelError:
		b.WriteString("error: ")
	case r.Level >= slog.LevelWarn:
		b.WriteString("warning: ")
	}
	b.WriteString(visible(r.Message))
	b.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool { b.WriteString(attrText(a)); return true })
	b.WriteByte('\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, h.hide.clean(b.String()))
	return err
}

func (h *lineHandler) WithAttrs(as []slog.Attr) slog.Handler {
	c := *h
	for _, a := range as {
		c.attrs += attrText(a)
	}
	return &c
}

// WithGroup leaves the names flat: no record here has two attributes of one name.
func (h *lineHandler) WithGroup(string) slog.Handler { return h }

func attrText(a slog.Attr) string {
	v := a.Value.Resolve().String()
	if secretName.MatchString(a.Key) {
		v = redacted
	}
	if v == "" || strings.ContainsAny(v, " \"=") || strings.ContainsFunc(v, hidden) {
		v = fmt.Sprintf("%q", v)
	}
	return " " + a.Key + "=" + v
}
