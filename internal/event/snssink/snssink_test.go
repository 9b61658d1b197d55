package snssink

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"penstock/internal/event"
)

// topics is the Query protocol of SNS, as far as Publish goes.
type topics struct {
	*httptest.Server
	mu   sync.Mutex
	code string // of the next answers; "" = taken
	got  []url.Values
	auth []string
}

func newTopics(t *testing.T) *topics {
	s := &topics{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got, s.auth = append(s.got, r.PostForm), append(s.auth, r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "text/xml")
		if s.code != "" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>%s</Code><Message>because</Message></Error><RequestId>r</RequestId></ErrorResponse>`, s.code)
			return
		}
		fmt.Fprint(w, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m</MessageId></PublishResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishResponse>`)
	}))
	t.Cleanup(s.Close)
	return s
}

func notice(topic string) event.Event {
	return event.Event{ID: "id-1", JSON: []byte(`{"approval":"<&>"}`), Notice: &event.Notice{Topic: topic, Subject: "APPROVAL NEEDED"}}
}

func sink(s *topics, refused func(*event.Notice, string, string) error) *Sink {
	return New(Options{
		AWS:      aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""), RetryMaxAttempts: 1},
		Endpoint: s.URL,
		Refused:  func(_ context.Context, n *event.Notice, code, message string) error { return refused(n, code, message) },
	})
}

const topic = "arn:aws:sns:eu-west-3:111111111111:approvals"

func TestPublish(t *testing.T) {
	t.Parallel()
	s := newTopics(t)
	out := sink(s, func(*event.Notice, string, string) error { t.Error("refused"); return nil })
	if n, err := out.Deliver(t.Context(), []event.Event{notice(topic), notice(topic + ".fifo")}); n != 2 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	for i, want := range []map[string]string{
		{"Action": "Publish", "TopicArn": topic, "Subject": "APPROVAL NEEDED", "Message": `{"approval":"<&>"}`, "MessageGroupId": "", "MessageDeduplicationId": ""},
		{"TopicArn": topic + ".fifo", "MessageGroupId": "approvals", "MessageDeduplicationId": "id-1"},
	} {
		for k, v := range want {
			if got := s.got[i].Get(k); got != v {
				t.Errorf("call %d: %s = %q, want %q", i, k, got, v)
			}
		}
		if !strings.Contains(s.auth[i], "/eu-west-3/sns/aws4_request") {
			t.Errorf("signed for %s, not for the region of the topic", s.auth[i])
		}
	}
}

// TestPublishRefused: what will never be taken is given back once, all else is
// tried again.
func TestPublishRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		code  string
		final bool
	}{
		{"NotFound", true}, {"AuthorizationError", true}, {"InvalidParameter", true},
		{"InternalError", false}, {"Throttled", false}, {"InvalidClientTokenId", false},
	} {
		t.Run(tc.code, func(t *testing.T) {
			t.Parallel()
			s := newTopics(t)
			s.code = tc.code
			var told []string
			var fails error
			out := sink(s, func(n *event.Notice, code, message string) error {
				told = append(told, n.Topic+" "+code+" "+message)
				return fails
			})
			n, err := out.Deliver(t.Context(), []event.Event{notice(topic)})
			if !tc.final {
				if n != 0 || err == nil || len(told) != 0 || !strings.Contains(err.Error(), topic) {
					t.Errorf("%d, %v, %q", n, err, told)
				}
				return
			}
			if n != 1 || err != nil || !slices.Equal(told, []string{topic + " " + tc.code + " because"}) {
				t.Errorf("%d, %v, %q", n, err, told)
			}
			fails = errors.New("the store is away")
			if n, err := out.Deliver(t.Context(), []event.Event{notice(topic)}); n != 0 || !errors.Is(err, fails) {
				t.Errorf("while nobody can be told: %d, %v", n, err)
			}
		})
	}
}
