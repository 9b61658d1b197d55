package postgres

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"penstock/internal/store"
	"penstock/internal/store/postgres/pgtest"
	"penstock/internal/store/storetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// testSealer is no encryption, but shows what was sealed, and where.
type testSealer struct{}

func (testSealer) Seal(plaintext []byte, context string) string {
	return base64.StdEncoding.EncodeToString(append([]byte(context+"\x00"), plaintext...))
}

func (testSealer) Open(sealed, context string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, err
	}
	plaintext, ok := bytes.CutPrefix(b, []byte(context+"\x00"))
	if !ok {
		return nil, errors.New("sealed elsewhere")
	}
	return plaintext, nil
}

func open(t testing.TB, url string) *Driver {
	t.Helper()
	d, err := Open(t.Context(), url, Options{Sealer: testSealer{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() }) // a second close does nothing
	return d
}

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, reopenable)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	storetest.RunFaults(t, reopenable)
}

func reopenable(t *testing.T) (store.Driver, func() store.Driver) {
	url := pgtest.URL(t)
	d := open(t, url)
	return d, func() store.Driver {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d = open(t, url)
		return d
	}
}

func TestSecretsAtRest(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	storetest.SecretsAtRest(t, open(t, url), func() []byte {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		rows, err := conn.Query(t.Context(), `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`)
		if err != nil {
			t.Fatal(err)
		}
		tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		var all bytes.Buffer
		for _, name := range tables {
			if _, err := conn.PgConn().CopyTo(t.Context(), &all, `COPY `+pgx.Identifier{name}.Sanitize()+` TO STDOUT (FORMAT binary)`); err != nil {
				t.Fatal(err)
			}
		}
		return all.Bytes()
	})
}

func TestOpenNeedsSealer(t *testing.T) {
	t.Parallel()
	if _, err := Open(t.Context(), "postgres://nowhere.invalid/x", Options{}); err == nil {
		t.Error("opened without a sealer")
	}
}

// A pooler may drop what sessions ask for: the server tells what they have.
func TestWeakSessions(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"off", "local"} {
		config, err := parse(pgtest.URL(t))
		if err != nil {
			t.Fatal(err)
		}
		config.ConnConfig.RuntimeParams["synchronous_commit"] = value
		err = new(Driver).migrateOnStart(t.Context(), config)
		if err == nil || !strings.Contains(err.Error(), "synchronous_commit="+value) {
			t.Errorf("sessions with synchronous_commit=%s: %v", value, err)
		}
	}
}
