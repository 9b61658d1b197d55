package alarm_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/encoding/cbor"

	"penstock/internal/provider/alarm"
	"penstock/internal/provider/providertest"
	"penstock/jobworker"
)

// watcher is a CloudWatch that answers in turn, the last answer again and again,
// and a clock that only pauses move.
type watcher struct {
	t       *testing.T
	answers []string // states; "" no alarm, "500" trouble, "403" a refusal
	kind    string   // MetricAlarms or CompositeAlarms

	mu    sync.Mutex
	asked int
	now   time.Time
}

func (w *watcher) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	state := w.answers[min(w.asked, len(w.answers)-1)]
	w.asked++
	body, err := io.ReadAll(r.Body)
	if err != nil || !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/monitoring/") {
		w.t.Errorf("signed %s, %v", r.Header.Get("Authorization"), err)
	}
	in, err := cbor.Decode(body)
	if asked, ok := in.(cbor.Map); err != nil || !ok || fmt.Sprint(asked["AlarmNames"]) != "[shop-5xx]" || len(asked["AlarmTypes"].(cbor.List)) != 2 {
		w.t.Errorf("asked for %v, %v", in, err)
	}
	status := http.StatusOK
	alarmOf := func(name, state string) cbor.Value {
		return cbor.List{cbor.Map{"AlarmName": cbor.String(name), "StateValue": cbor.String(state)}}
	}
	var out cbor.Map
	switch state {
	case "":
		out = cbor.Map{"MetricAlarms": alarmOf("other", "OK")}
	case "500":
		status, out = http.StatusInternalServerError, cbor.Map{"__type": cbor.String("com.amazonaws.cloudwatch#InternalServiceFault")}
	case "403":
		status, out = http.StatusForbidden, cbor.Map{"__type": cbor.String("AccessDeniedException"), "message": cbor.String("not yours")}
	default:
		out = cbor.Map{w.kind: alarmOf("shop-5xx", state)}
	}
	rw.Header().Set("Content-Type", "application/cbor")
	rw.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	rw.WriteHeader(status)
	_, _ = rw.Write(cbor.Encode(out))
}

func (w *watcher) rule(t *testing.T) *alarm.Rule {
	t.Helper()
	w.t = t
	if w.kind == "" {
		w.kind = "MetricAlarms"
	}
	s := httptest.NewServer(w)
	t.Cleanup(s.Close)
	return alarm.New(alarm.Config{
		Enabled: true, Endpoint: s.URL,
		AWS: aws.Config{Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""), Retryer: func() aws.Retryer { return aws.NopRetryer{} }},
		Now: func() time.Time {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.now
		},
		Pause: func(ctx context.Context, d time.Duration) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.now = w.now.Add(d)
			return ctx.Err()
		},
	})
}

func job(config map[string]string) jobworker.Job {
	if config == nil {
		config = map[string]string{}
	}
	if _, set := config["AlarmName"]; !set {
		config["AlarmName"] = "shop-5xx"
	}
	return jobworker.Job{Configuration: config, Native: &jobworker.Native{Account: "111122223333", Region: "eu-west-1"}}
}

func TestSuite(t *testing.T) {
	t.Parallel()
	providertest.Run(t, func(t *testing.T, _ string) providertest.Harness {
		return providertest.Harness{Provider: (&watcher{answers: []string{"OK"}}).rule(t), Memory: providertest.NewMemory(), Job: job(nil)}
	})
}

func TestRule(t *testing.T) {
	t.Parallel()
	wait := func(minutes string) map[string]string { return map[string]string{"WaitTime": minutes} }
	for _, c := range []struct {
		name    string
		config  map[string]string
		answers []string
		kind    string // of the failure, "" a success
		text    string
		looks   int
		took    time.Duration
	}{
		{"quiet", nil, []string{"OK"}, "", "state OK", 1, 0},
		{"no data is no alarm", nil, []string{"INSUFFICIENT_DATA"}, "", "INSUFFICIENT_DATA", 1, 0},
		{"alarm", nil, []string{"ALARM"}, jobworker.JobFailed, "state ALARM", 1, 0},
		{"chosen states", map[string]string{"AlarmStates": "ALARM, INSUFFICIENT_DATA"}, []string{"INSUFFICIENT_DATA"}, jobworker.JobFailed, "INSUFFICIENT_DATA", 1, 0},
		{"alarm is not chosen", map[string]string{"AlarmStates": "OK"}, []string{"ALARM"}, "", "ALARM", 1, 0},
		{"watched to the end", wait("2"), []string{"OK"}, "", "OK", 13, 2 * time.Minute},
		{"alarm while watched", wait("2"), []string{"OK", "OK", "ALARM"}, jobworker.JobFailed, "ALARM", 3, 20 * time.Second},
		{"two missed looks", wait("1"), []string{"OK", "500", "500", "OK"}, "", "OK", 7, time.Minute},
		{"three missed looks", wait("1"), []string{"OK", "500"}, jobworker.SystemUnavailable, "looked up", 4, 30 * time.Second},
		{"the last look missed", wait("0"), []string{"500"}, jobworker.SystemUnavailable, "looked up", 1, 0},
		{"refused", nil, []string{"403"}, jobworker.PermissionError, "not yours", 1, 0},
		{"no such alarm", nil, []string{""}, jobworker.ConfigurationError, "no alarm shop-5xx", 1, 0},
		{"no name", map[string]string{"AlarmName": ""}, []string{"OK"}, jobworker.ConfigurationError, "AlarmName", 0, 0},
		{"unknown state", map[string]string{"AlarmStates": "RED"}, []string{"OK"}, jobworker.ConfigurationError, "RED", 0, 0},
		{"no number", wait("soon"), []string{"OK"}, jobworker.ConfigurationError, "soon", 0, 0},
		{"below zero", wait("-1"), []string{"OK"}, jobworker.ConfigurationError, "-1", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := &watcher{answers: c.answers}
			s, err := w.rule(t).Run(t.Context(), jobworker.NewTask(nil, job(c.config), 0))
			if c.kind != "" {
				providertest.Failure(t, err, c.kind, c.text)
			} else if err != nil || !strings.Contains(s.Details.Summary, c.text) {
				t.Errorf("%+v, %v", s, err)
			}
			if took := w.now.Sub(time.Time{}); w.asked != c.looks || took != c.took {
				t.Errorf("%d looks in %v, want %d in %v", w.asked, took, c.looks, c.took)
			}
		})
	}
}

func TestCompositeAlarm(t *testing.T) {
	t.Parallel()
	w := &watcher{answers: []string{"ALARM"}, kind: "CompositeAlarms"}
	_, err := w.rule(t).Run(t.Context(), jobworker.NewTask(nil, job(nil), 0))
	providertest.Failure(t, err, jobworker.JobFailed, "ALARM")
}

func TestNotConfigured(t *testing.T) {
	t.Parallel()
	_, err := alarm.New(alarm.Config{}).Run(t.Context(), jobworker.NewTask(nil, job(nil), 0))
	providertest.Failure(t, err, jobworker.ConfigurationError, "--cloudwatch-endpoint")
}

// A job that is stopped while its alarm is watched is no failure of the rule.
func TestStopped(t *testing.T) {
	t.Parallel()
	w := &watcher{answers: []string{"OK"}}
	rule := w.rule(t)
	cause := errors.New("the job was stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	go cancel(cause)
	_, err := rule.Run(ctx, jobworker.NewTask(nil, job(map[string]string{"WaitTime": "86400"}), 0))
	if _, failed := errors.AsType[*jobworker.Failure](err); failed || err == nil {
		t.Errorf("got %v", err)
	}
}
