package lambda_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"penstock/internal/provider/lambda"
	"penstock/jobworker"
)

// Which target of the settings a name in a configuration finds.
func TestTargets(t *testing.T) {
	t.Parallel()
	all := []string{"f", "f:live", "123456789012:function:g", "arn:aws:lambda:eu-west-1:123456789012:function:h", "arn:aws:lambda:eu-west-1:123456789012:function:h:2", "*"}
	for _, c := range []struct{ function, want string }{
		{"f", "f"},
		{"f:live", "f:live"},
		{"f:other", "f"},
		{"123456789012:function:f", "f"},
		{"arn:aws:lambda:eu-west-1:123456789012:function:f", "f"},
		{"arn:aws:lambda:eu-west-1:123456789012:function:f:live", "f:live"},
		{"arn:aws:lambda:eu-west-1:123456789012:function:f:7", "f"},
		{"123456789012:function:g", "123456789012:function:g"},
		{"123456789012:function:g:1", "123456789012:function:g"},
		{"210987654321:function:g", "*"},
		{"g", "*"},
		{"arn:aws:lambda:eu-west-1:123456789012:function:h:1", "arn:aws:lambda:eu-west-1:123456789012:function:h"},
		{"arn:aws:lambda:eu-west-1:123456789012:function:h:2", "arn:aws:lambda:eu-west-1:123456789012:function:h:2"},
		{"arn:aws:lambda:us-west-2:123456789012:function:h", "*"},
		{"function", "*"},
		{":::", "*"},
	} {
		t.Run(c.function, func(t *testing.T) {
			t.Parallel()
			got := make(chan string, 1)
			s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.URL.Query().Get("target") }))
			t.Cleanup(s.Close)
			targets := map[string]string{}
			for _, name := range all {
				targets[name] = s.URL + "?target=" + name
			}
			j := job()
			j.Configuration["FunctionName"] = c.function
			if _, err := lambda.NewRule(lambda.NewFunctions(lambda.Config{Functions: targets})).Run(t.Context(), jobworker.NewTask(nil, j, 0)); err != nil {
				t.Fatal(err)
			}
			if target := <-got; target != c.want {
				t.Errorf("called %s, want %s", target, c.want)
			}
		})
	}
}
