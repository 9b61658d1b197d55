package app

import (
	"context"
	"net/http"
)

// endWaits has calls that ask to be held open (Prefer: wait) end when ctx does, as
// they would hold up the end of the server for nothing. All others go on.
func endWaits(ctx context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header["Prefer"] != nil {
			waiting, done := context.WithCancel(r.Context())
			defer done()
			defer context.AfterFunc(ctx, done)()
			r = r.WithContext(waiting)
		}
		next.ServeHTTP(w, r)
	})
}
