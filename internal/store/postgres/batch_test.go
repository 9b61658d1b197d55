package postgres

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"penstock/internal/store/postgres/pgtest"
)

// text shows the statements of a batch, those over arrays with how many rows.
func (b *batch) text() string {
	var all []string
	for _, s := range b.list {
		if s.many {
			all = append(all, fmt.Sprint(s.sql, "×", s.rows))
		} else {
			all = append(all, s.sql)
		}
	}
	return strings.Join(all, " ")
}

func TestBatch(t *testing.T) {
	t.Parallel()
	one := func(sql string) statement { return statement{sql: sql} }
	many := func(sql, id string) statement {
		return statement{sql: sql, args: []any{id}, many: true, row: row{table: "t", id: id}}
	}
	free := statement{sql: "log", args: []any{"x"}, many: true}
	for name, c := range map[string]struct {
		writes, asks []statement
		want         string
	}{
		"rows of one statement":                 {[]statement{many("put", "a"), many("put", "b"), many("put", "c")}, nil, "put×3"},
		"statements by their kind":              {[]statement{many("put", "a"), many("end", "b"), many("put", "c"), many("end", "d")}, nil, "put×2 end×2"},
		"one row twice":                         {[]statement{many("put", "a"), many("put", "a"), many("put", "b")}, nil, "put×1 put×2"},
		"one row in two statements":             {[]statement{many("put", "a"), many("end", "a")}, nil, "put×1 end×1"},
		"a row that is touched later elsewhere": {[]statement{many("end", "b"), many("put", "a"), many("end", "a"), many("put", "c")}, nil, "end×1 put×2 end×1"},
		"rows that others may write":            {[]statement{free, free, many("put", "a"), free}, nil, "log×3 put×1"},
		"others keep their places":              {[]statement{many("put", "a"), one("BEGIN"), many("put", "b")}, nil, "put×1 BEGIN put×1"},
		"asks after writes":                     {[]statement{many("put", "a")}, []statement{many("lock", "a"), one("SELECT")}, "put×1 lock×1 SELECT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b batch
			b.write(c.writes)
			b.ask(c.asks)
			if got := b.text(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// What one call asks for keeps its order, also where it joins what others ask.
func TestBatchOfCalls(t *testing.T) {
	t.Parallel()
	lock := func(id string) statement {
		return statement{sql: "lock", args: []any{id}, many: true, row: row{table: "pipeline", id: id}}
	}
	read := func(id string) statement {
		return statement{sql: "read", args: []any{id}, many: true, row: row{table: "job", id: id}}
	}
	var b batch
	b.ask([]statement{read("1")})
	b.ask([]statement{lock("p"), read("2")})
	b.ask([]statement{lock("q"), read("3")})
	if got, want := b.text(), "read×1 lock×2 read×2"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Arrays arrive as they were made, and rows at those who asked for them.
func TestArrays(t *testing.T) {
	t.Parallel()
	d := open(t, pgtest.URL(t))
	const sql = `SELECT * FROM unnest($1::text[], $2::bigint[], $3::boolean[], $4::bytea[]) LIMIT $5`
	type values struct {
		text   string
		number int64
		flag   bool
		doc    []byte
	}
	want := []values{
		{"a", -1, true, nil}, {"", 1 << 60, false, []byte{}}, {strings.Repeat("ü", 100), 0, true, []byte("{}")},
	}
	got := make([]values, len(want))
	var asks []statement
	for i, w := range want {
		asks = append(asks, statement{
			sql: sql, args: []any{w.text, w.number, w.flag, w.doc}, many: true, row: row{table: "none", id: w.text, pipeline: int64(i)},
			scan: func(r pgx.Rows) error {
				return r.Scan(&got[i].text, &got[i].number, &got[i].flag, &got[i].doc)
			},
		})
	}
	asks[1].row.id, asks[1].args[0], want[1].text = "b", "b", "b" // rows are told apart by the first column
	for _, together := range [][]statement{asks, asks[:1]} {
		clear(got)
		s := &viewing{d: d, ctx: t.Context()}
		if err := s.run(together...); err != nil {
			t.Fatal(err)
		}
		s.end()
		for i := range together {
			g, w := got[i], want[i]
			if g.text != w.text || g.number != w.number || g.flag != w.flag || !slices.Equal(g.doc, w.doc) || (g.doc == nil) != (w.doc == nil) {
				t.Errorf("row %d of %d: %+v, want %+v", i, len(together), g, w)
			}
		}
	}
}
