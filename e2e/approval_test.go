package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// request is the message that a topic gets.
type request struct {
	Region   string
	Approval struct {
		PipelineName, StageName, ActionName, Token, Expires string
		ExternalEntityLink, CustomData                      *string
		ApprovalReviewLink                                  string
	}
	ConsoleLink string
}

func parseRequest(t *testing.T, body string) (r request) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return r
}

// asking is a pipeline whose approval has a topic.
func (s *server) asking(name, topic string) {
	s.t.Helper()
	s.create(declaration(name, stage("Source", manualSource("ask-source", "app.zip")),
		stage("Gate", action("Ask", "AWS", "Approval", "Manual", object{"NotificationArn": topic, "CustomData": "Release " + name + "?"}, object{"timeoutInMinutes": 60}))))
}

// TestApprovalNotifications: requests reach a URL and an SNS, also when the
// server is killed while nobody takes them, and are answered by the AWS CLI.
func TestApprovalNotifications(t *testing.T) {
	t.Parallel()
	awsCLI(t)
	const (
		secret  = "the-secret-of-the-approvals"
		posted  = "arn:aws:sns:us-east-1:000000000000:posted"
		other   = "arn:aws:sns:us-east-1:000000000000:other"
		missing = "arn:aws:sns:us-east-1:000000000000:missing"
	)
	var away atomic.Bool
	tried, got := make(chan string, 1000), make(chan string, 1000)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "%s.%s", r.Header.Get("Penstock-Event-Timestamp"), body)
		if r.Header.Get("Penstock-Event-Signature") != "v1="+hex.EncodeToString(mac.Sum(nil)) || r.Header.Get("X-Amz-Sns-Topic-Arn") != posted {
			t.Errorf("headers %v", r.Header)
		}
		if away.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			tried <- string(body)
			return
		}
		got <- string(body)
	}))
	t.Cleanup(receiver.Close)
	published := make(chan string, 1000)
	sns := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "text/xml")
		if r.PostForm.Get("TopicArn") == missing {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>NotFound</Code><Message>Topic does not exist</Message></Error></ErrorResponse>`)
			return
		}
		published <- r.PostForm.Get("TopicArn") + " " + r.PostForm.Get("Subject") + "\n" + r.PostForm.Get("Message")
		fmt.Fprint(w, `<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>`)
	}))
	t.Cleanup(sns.Close)

	s := &server{t: t, data: filepath.Join(t.TempDir(), "data"), secrets: []string{secretKey, secret}, env: []string{
		"PENSTOCK_APPROVAL_SECRET=" + secret, "AWS_ACCESS_KEY_ID=of-the-sns", "AWS_SECRET_ACCESS_KEY=secret-of-the-sns", "AWS_REGION=us-east-1",
	}}
	s.args = []string{"server", "--data", s.data, "--listen", "127.0.0.1:0", "--public-url", "https://cd.example.com", "--approval-topic", posted + "=" + receiver.URL + "/in", "--sns-endpoint", sns.URL}
	t.Cleanup(s.close)
	if err := s.start(); err != nil {
		t.Fatalf("start: %v\n%s", err, s.log.String())
	}
	s.versioned("ask-source")
	s.put("ask-source", "app.zip", zipped(t, map[string]string{"a": "b"}))
	wait := func(what string, from chan string) string {
		t.Helper()
		select {
		case body := <-from:
			return body
		case <-time.After(patience):
			t.Fatalf("%s did not come\n%s", what, s.log.String())
			return ""
		}
	}

	// Nobody takes the request while the server is killed.
	away.Store(true)
	s.asking("posted", posted)
	refused := wait("the refused request", tried)
	s.kill()
	away.Store(false)
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	body := wait("the request after the crash", got)
	if body != refused {
		t.Errorf("the repeat is\n%s\nnot\n%s", body, refused)
	}
	r := parseRequest(t, body)
	token := *s.state("posted", "Ask", "InProgress").Token
	expires, err := time.Parse("2006-01-02T15:04Z", r.Approval.Expires)
	if left := time.Until(expires); err != nil || left < 55*time.Minute || left > time.Hour {
		t.Errorf("expires %s, %v", r.Approval.Expires, err)
	}
	view := "https://cd.example.com/-/console?region=us-east-1#/view/posted"
	if a := r.Approval; r.Region != region || r.ConsoleLink != view || a.ApprovalReviewLink != view+"/Gate/Ask/approve/"+token || a.Token != token ||
		a.PipelineName != "posted" || a.StageName != "Gate" || a.ActionName != "Ask" || aws.ToString(a.CustomData) != "Release posted?" || a.ExternalEntityLink != nil ||
		!strings.Contains(body, `"externalEntityLink":null`) {
		t.Errorf("the request is %s", body)
	}
	s.answer("posted", "Gate", "Ask", "Approved", "fine")
	s.ends("posted", s.newest("posted"), "Succeeded")
	if st := s.state("posted", "Ask", "Succeeded"); aws.ToString(st.LastUpdatedBy) != "arn:aws:iam::000000000000:root" || aws.ToString(st.Summary) != "fine" || st.Token != nil {
		t.Errorf("the answered action is %+v", st)
	}

	// By SNS, and what SNS does not take.
	s.asking("published", other)
	head, body, _ := strings.Cut(wait("the publication", published), "\n")
	if head != other+" APPROVAL NEEDED: AWS CodePipeline published action Ask" || parseRequest(t, body).Approval.Token != *s.state("published", "Ask", "InProgress").Token {
		t.Errorf("published %s\n%s", head, body)
	}
	s.answer("published", "Gate", "Ask", "Rejected", "no")
	s.ends("published", s.newest("published"), "Failed")
	s.asking("lost", missing)
	s.ends("lost", s.newest("lost"), "Failed")
	if e := s.state("lost", "Ask", "Failed").ErrorDetails; *e.Code != "ConfigurationError" || !strings.Contains(*e.Message, missing+": NotFound: Topic does not exist") {
		t.Errorf("failed with %s: %s", *e.Code, *e.Message)
	}
}
