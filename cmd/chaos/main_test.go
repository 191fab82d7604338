package main

import (
	"strings"
	"testing"
)

func TestGather(t *testing.T) {
	events := `
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"attr","Package":"p","Test":"TestB","Key":"row","Value":"K2"}
{"Action":"attr","Package":"p","Test":"TestB","Key":"rounds","Value":"7"}
{"Action":"attr","Package":"p","Test":"TestB","Key":"violations","Value":"1"}
{"Action":"output","Package":"p","Test":"TestB","Output":"lost a page\n"}
{"Action":"fail","Package":"p","Test":"TestB","Elapsed":2}
{"Action":"output","Package":"p","Test":"TestA","Output":"not said: it passed\n"}
{"Action":"attr","Package":"p","Test":"TestA","Key":"row","Value":"K1"}
{"Action":"attr","Package":"p","Test":"TestA","Key":"rounds","Value":"60"}
{"Action":"attr","Package":"p","Test":"TestA","Key":"violations","Value":"0"}
{"Action":"attr","Package":"p","Test":"TestA","Key":"figure","Value":"slowest: 3 s"}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":41}
{"Action":"pass","Package":"p","Test":"TestPlain","Elapsed":1}
{"Action":"fail","Package":"p","Elapsed":43}
`
	var failed, out strings.Builder
	rows, err := gather(strings.NewReader(events), &failed)
	if err != nil {
		t.Fatal(err)
	}
	table(&out, rows)
	want := `row  test   rounds  violations  seconds  figures
K1   TestA  60      0           41       slowest: 3 s
K2   TestB  7       1           2        
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
	if want := "lost a page\nfail p 43 s\n"; failed.String() != want {
		t.Errorf("said %q, want %q", failed.String(), want)
	}
}
