package sqlite

import (
	"errors"
	"fmt"
	"testing"

	sqlite3 "modernc.org/sqlite/lib"
)

func TestErrorKinds(t *testing.T) {
	t.Parallel()
	kinds := map[string]func(error) bool{
		"constraint": IsConstraint, "unique": IsUnique, "foreign key": IsForeignKey,
		"full": IsFull, "read-only": IsReadOnly, "io": IsIO, "corrupt": IsCorrupt,
	}
	tests := []struct {
		name string
		err  error
		want []string
	}{
		{"nil", nil, nil},
		{"not from SQLite", errors.New("database or disk is full"), nil},
		{"unique", &Error{Code: sqlite3.SQLITE_CONSTRAINT_UNIQUE}, []string{"constraint", "unique"}},
		{"primary key", &Error{Code: sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}, []string{"constraint", "unique"}},
		{"check", &Error{Code: sqlite3.SQLITE_CONSTRAINT_CHECK}, []string{"constraint"}},
		{"foreign key", &Error{Code: sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY}, []string{"constraint", "foreign key"}},
		{"full", &Error{Code: sqlite3.SQLITE_FULL}, []string{"full"}},
		{"read-only", &Error{Code: sqlite3.SQLITE_READONLY_DBMOVED}, []string{"read-only"}},
		{"fsync", &Error{Code: sqlite3.SQLITE_IOERR_FSYNC}, []string{"io"}},
		{"open", &Error{Code: sqlite3.SQLITE_CANTOPEN}, []string{"io"}},
		{"corrupt", &Error{Code: sqlite3.SQLITE_CORRUPT}, []string{"corrupt"}},
		{"busy", &Error{Code: sqlite3.SQLITE_BUSY}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := test.err
			if err != nil {
				err = fmt.Errorf("store: %w", err)
			}
			for kind, is := range kinds {
				want := false
				for _, k := range test.want {
					want = want || k == kind
				}
				if is(err) != want {
					t.Errorf("%s: got %v, want %v", kind, !want, want)
				}
			}
		})
	}
}
