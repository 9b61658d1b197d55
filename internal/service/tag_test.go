package service_test

import (
	"fmt"
	"strings"
	"testing"
)

const (
	pipelineP = "arn:aws:codepipeline:eu-west-1:000000000000:P"
	typeSrc   = "arn:aws:codepipeline:eu-west-1:000000000000:actiontype:Custom/Source/Src/1"
)

// tags lists the tags of a resource as "k=v k=v".
func (s *server) tags(arn string) string {
	s.Helper()
	var list []string
	all, _ := get(s.T, s.root.must("ListTagsForResource", `{"resourceArn":"`+arn+`"}`), "tags").([]any)
	for _, x := range all {
		tag := x.(map[string]any)
		list = append(list, fmt.Sprint(tag["key"], "=", tag["value"]))
	}
	return strings.Join(list, " ")
}

func TestTags(t *testing.T) {
	t.Parallel()
	for _, arn := range []string{pipelineP, typeSrc} {
		t.Run(arn, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.simple()
			if got := s.root.must("ListTagsForResource", `{"resourceArn":"`+arn+`"}`); got != `{"tags":[]}` {
				t.Errorf("no tags are %s", got)
			}
			if got := s.root.must("TagResource", `{"resourceArn":"`+arn+`","tags":[{"key":"b","value":"1"},{"key":"a","value":""},{"key":"Ä +-=._:/@","value":"Ä +-=._:/@"}]}`); got != "{}" {
				t.Errorf("TagResource answers %s", got)
			}
			s.root.must("TagResource", `{"resourceArn":"`+arn+`","tags":[{"key":"b","value":"2"}]}`)
			s.root.must("TagResource", `{"resourceArn":"`+arn+`","tags":[]}`)
			if got := s.tags(arn); got != "a= b=2 Ä +-=._:/@=Ä +-=._:/@" {
				t.Errorf("tags %q", got)
			}
			s.root.must("UntagResource", `{"resourceArn":"`+arn+`","tagKeys":["a","never","Ä +-=._:/@"]}`)
			s.root.must("UntagResource", `{"resourceArn":"`+arn+`","tagKeys":[]}`)
			if got := s.tags(arn); got != "b=2" {
				t.Errorf("tags left %q", got)
			}
			many := func(n int) string {
				var list []string
				for i := range n {
					list = append(list, fmt.Sprintf(`{"key":"k%d","value":""}`, i))
				}
				return `{"resourceArn":"` + arn + `","tags":[` + strings.Join(list, ",") + `]}`
			}
			s.root.refuse("TagResource", many(50), "TooManyTagsException", "Tag limit exceeded for resource ["+arn+"].")
			s.root.refuse("TagResource", many(51), "TooManyTagsException", "Tag limit exceeded for resource ["+arn+"].")
			if got := s.tags(arn); got != "b=2" {
				t.Errorf("a refused call changed the tags to %q", got)
			}
			s.root.must("TagResource", many(49))
		})
	}
}

func TestTagErrors(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.simple()
	const gone = "The account with id '000000000000' does not include a pipeline with the name 'Q'"
	tests := []struct{ name, arn, code, text string }{
		{"no such pipeline", strings.Replace(pipelineP, ":P", ":Q", 1), "ResourceNotFoundException", gone},
		{"no such action type", strings.Replace(typeSrc, "Src", "Sink", 1), "ResourceNotFoundException", ""},
		{"another account", strings.Replace(pipelineP, account, stranger, 1), "InvalidArnException", ""},
		{"another region", strings.Replace(pipelineP, region, "us-east-1", 1), "InvalidArnException", ""},
		{"another service", "arn:aws:codebuild:eu-west-1:000000000000:P", "ValidationException", ""},
		{"a stage", pipelineP + "/Source", "InvalidArnException", ""},
		{"a built-in type", "arn:aws:codepipeline:eu-west-1:000000000000:actiontype:AWS/Source/S3/1", "InvalidArnException", ""},
		{"no such webhook", "arn:aws:codepipeline:eu-west-1:000000000000:webhook:W", "ResourceNotFoundException", ""},
		{"another kind", "arn:aws:codepipeline:eu-west-1:000000000000:stage:W", "InvalidArnException", ""},
		{"no ARN", "P", "ValidationException", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.root.refuse("TagResource", `{"resourceArn":"`+tt.arn+`","tags":[]}`, tt.code, tt.text)
			s.root.refuse("UntagResource", `{"resourceArn":"`+tt.arn+`","tagKeys":[]}`, tt.code, tt.text)
			s.root.refuse("ListTagsForResource", `{"resourceArn":"`+tt.arn+`"}`, tt.code, tt.text)
		})
	}
	bad := []struct{ name, tags string }{
		{"twice", `{"key":"a","value":"1"},{"key":"a","value":"2"}`},
		{"of the system", `{"key":"aws:a","value":""}`},
		{"of the system in capitals", `{"key":"Aws:a","value":""}`},
		{"bad key", `{"key":"a*","value":""}`},
		{"bad value", `{"key":"a","value":"\u0007"}`},
	}
	for _, tt := range bad {
		t.Run(tt.name, func(t *testing.T) {
			s.root.refuse("TagResource", `{"resourceArn":"`+pipelineP+`","tags":[`+tt.tags+`]}`, "InvalidTagsException", "")
			s.root.refuse("CreatePipeline", `{"pipeline":`+declare("New", "", stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)), stage("Gate", approval("Ask", "")))+`,"tags":[`+tt.tags+`]}`,
				"InvalidTagsException", "")
		})
	}
}

// Tags come with CreatePipeline, are not part of GetPipeline, survive updates
// and go with the resource.
func TestTagsOfAPipeline(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Source", "Src", "")
	d := declare("P", "", stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)), stage("Gate", approval("Ask", "")))
	create := `{"pipeline":` + d + `,"tags":[{"key":"z","value":"1"},{"key":"a","value":"2"}]}`
	if got := jsonOf(t, get(t, s.root.must("CreatePipeline", create), "tags")); got != `[{"key":"z","value":"1"},{"key":"a","value":"2"}]` {
		t.Errorf("CreatePipeline answers tags %s", got)
	}
	if got := s.root.must("GetPipeline", `{"name":"P"}`); strings.Contains(got, "tags") {
		t.Errorf("GetPipeline shows tags: %s", got)
	}
	s.root.must("UpdatePipeline", `{"pipeline":`+d+`}`)
	if got := s.tags(pipelineP); got != "a=2 z=1" {
		t.Errorf("after an update: %q", got)
	}
	s.root.must("DeletePipeline", `{"name":"P"}`)
	s.root.refuse("ListTagsForResource", `{"resourceArn":"`+pipelineP+`"}`, "ResourceNotFoundException", "")
	s.root.must("CreatePipeline", `{"pipeline":`+d+`}`)
	if got := s.tags(pipelineP); got != "" {
		t.Errorf("a new pipeline of the name has tags %q", got)
	}
	s.root.must("TagResource", `{"resourceArn":"`+typeSrc+`","tags":[{"key":"a","value":""}]}`)
	s.root.must("DeleteCustomActionType", `{"category":"Source","provider":"Src","version":"1"}`)
	s.root.refuse("ListTagsForResource", `{"resourceArn":"`+typeSrc+`"}`, "ResourceNotFoundException", "")
	s.customType("Source", "Src", "")
	if got := s.tags(typeSrc); got != "" {
		t.Errorf("the restored type has tags %q", got)
	}
}
