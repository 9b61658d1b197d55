package event

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

const topic = "arn:aws:sns:eu-central-1:111111111111:approvals"

// asks is a stage whose approval has the configuration.
func asks(config map[string]string) pipeline.Stage {
	st := approval("Sign")
	st.Actions[0].Configuration, st.Actions[0].TimeoutInMinutes = config, 90
	return st
}

func requests(topics ...string) *Approvals {
	return &Approvals{
		Base: func() string { return "https://cd.example" },
		Wants: func(t string) bool {
			for _, want := range topics {
				if t == want {
					return true
				}
			}
			return false
		},
	}
}

// TestApprovalRequests: the body is that of AWS's notification, member for
// member, and comes once for each request that names a wanted topic.
func TestApprovalRequests(t *testing.T) {
	t.Parallel()
	const links = `"consoleLink":"https://cd.example/-/console?region=eu-central-1#/view/web"`
	for _, tc := range []struct {
		name   string
		config map[string]string
		link   string
		data   string
		want   bool
	}{
		{"all", map[string]string{"NotificationArn": topic, "CustomData": "Release <1> & \"go\"?", "ExternalEntityLink": "https://stage.example/?a=1&b=2"},
			`"https://stage.example/?a=1&b=2"`, `"Release <1> & \"go\"?"`, true},
		{"topic alone", map[string]string{"NotificationArn": topic}, `null`, `null`, true},
		{"another topic", map[string]string{"NotificationArn": topic + "2"}, "", "", false},
		{"no topic", map[string]string{"CustomData": `"Request":{`}, "", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.pipeline(declared("web", 1, pipeline.Superseded, asks(tc.config)))
			e := w.start(p)
			w.work(fetchType, "")
			var got []Event
			w.view(func(r store.Reader) error {
				entries, err := r.Outbox(0, 100)
				for i := range entries {
					if err != nil {
						return err
					}
					var more []Event
					more, err = requests(topic).Render(r, &entries[i])
					got = append(got, more...)
				}
				return err
			})
			if !tc.want {
				if len(got) != 0 {
					t.Errorf("rendered %s", got[0].JSON)
				}
				return
			}
			if len(got) != 1 {
				t.Fatalf("%d notifications", len(got))
			}
			n := got[0].Notice
			body := `{"region":"eu-central-1",` + links + `,"approval":{"pipelineName":"web","stageName":"Sign","actionName":"Approve","token":"` + n.Token +
				`","expires":"` + w.now().Add(90*time.Minute).Format("2006-01-02T15:04Z") + `","externalEntityLink":` + tc.link +
				`,"approvalReviewLink":"https://cd.example/-/console?region=eu-central-1#/view/web/Sign/Approve/approve/` + n.Token + `","customData":` + tc.data + `}}`
			if string(got[0].JSON) != body {
				t.Errorf("body\n%s\nwant\n%s", got[0].JSON, body)
			}
			if n.Topic != topic || n.Subject != "APPROVAL NEEDED: AWS CodePipeline web action Approve" || n.Execution != e || n.Stage != "Sign" || n.PipelineID != p || got[0].ID == "" {
				t.Errorf("notice %+v, id %s", n, got[0].ID)
			}
		})
	}
}

// TestApprovalSubject is as long as SNS takes it.
func TestApprovalSubject(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100)
	ev, err := requests().notify(&engine.Pipeline{Name: long}, &engine.StateChange{Action: &engine.ActionChange{Name: long, Request: &engine.ApprovalRequest{Topic: topic}}})
	if err != nil || len(ev.Notice.Subject) != maxSubject {
		t.Errorf("subject %q, %v", ev.Notice.Subject, err)
	}
}

// TestApprovalDelivery posts requests as SNS does without its wrapping, again
// until they are taken, also when the server ends between.
func TestApprovalDelivery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	answers := []int{500, 500, 204}
	got := make(chan http.Header, 100)
	bodies := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var b [4096]byte
		n, _ := r.Body.Read(b[:])
		status := answers[0]
		if len(answers) > 1 {
			answers = answers[1:]
		}
		rw.WriteHeader(status)
		bodies <- string(b[:n])
		got <- r.Header
	}))
	t.Cleanup(server.Close)
	feed := func() *Feed {
		return &Feed{
			Name: "approval " + topic, Sink: newHTTP(t, server.URL), Render: requests(topic).Render, Store: w.s,
			Log: slog.New(slog.DiscardHandler), Meter: &counts{more: make(chan struct{}, 10000)}, Pause: func(context.Context, time.Duration) {},
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	first := feed()
	if err := first.Load(ctx); err != nil {
		t.Fatal(err)
	}
	p := w.pipeline(declared("web", 1, pipeline.Superseded, asks(map[string]string{"NotificationArn": topic})))
	w.start(p)
	w.work(fetchType, "")
	// The server ends while the receiver refuses.
	first.Pause = func(context.Context, time.Duration) { cancel() }
	first.Run(ctx)
	refused := <-bodies
	<-got

	w.reopen()
	again := feed()
	ctx, cancel = context.WithCancel(t.Context())
	done := make(chan struct{})
	if err := again.Load(ctx); err != nil {
		t.Fatal(err)
	}
	go func() { again.Run(ctx); close(done) }()
	if second := <-bodies; second != refused {
		t.Errorf("the repeat is %s, not %s", second, refused)
	}
	one := <-got
	third := <-bodies
	two := <-got
	cancel()
	<-done
	for _, h := range []http.Header{one, two} {
		if h.Get("X-Amz-Sns-Message-Type") != "Notification" || h.Get("X-Amz-Sns-Topic-Arn") != topic || h.Get("X-Amz-Sns-Rawdelivery") != "true" ||
			h.Get("X-Amz-Sns-Message-Id") != h.Get(HeaderID) || h.Get(HeaderID) != two.Get(HeaderID) {
			t.Errorf("headers %v", h)
		}
	}
	if want := "v1=" + Sign([]byte(sharedSecret), two.Get(HeaderTimestamp), []byte(third)); two.Get(HeaderSignature) != want {
		t.Errorf("signature %s, want %s", two.Get(HeaderSignature), want)
	}
	select {
	case more := <-bodies:
		t.Errorf("and again: %s", more)
	default:
	}
}
