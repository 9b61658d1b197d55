package e2e

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// registerTeamCity makes two versions of the action type, among many others
// that the account may have.
func (s *server) registerTeamCity() {
	s.t.Helper()
	register := func(category, provider, version string) {
		s.call("CreateCustomActionType", object{"category": category, "provider": provider, "version": version,
			"settings":              object{"entityUrlTemplate": "{Config:TeamCityServerURL}/viewType.html?buildTypeId={Config:BuildConfigurationID}"},
			"inputArtifactDetails":  object{"minimumCount": 0, "maximumCount": 5},
			"outputArtifactDetails": object{"minimumCount": 0, "maximumCount": 5},
			"configurationProperties": []object{
				{"name": "TeamCityServerURL", "required": true, "key": true, "secret": false, "type": "String"},
				{"name": "BuildConfigurationID", "required": true, "key": true, "secret": false, "type": "String"},
				{"name": "ActionID", "required": true, "key": true, "secret": false, "queryable": true, "type": "String"},
			}}, nil)
	}
	register("Build", "TeamCity", "9")
	for i := range 20 {
		register([]string{"Build", "Test"}[i%2], fmt.Sprintf("Another-%d", i), "1")
	}
	register("Build", "TeamCity", "10")
}

// teamCity starts the server half of the plugin. Its agent has an identity of
// its own, that of a role.
func (s *server) teamCity(t testing.TB, stops, actionID, build string) *script {
	t.Helper()
	role, err := sts.New(sts.Options{Region: region, BaseEndpoint: aws.String(s.url),
		Credentials: credentials.NewStaticCredentialsProvider(keyID, secretKey, "")}).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + account + ":role/agent"), RoleSessionName: aws.String("agent-7")})
	if err != nil {
		t.Fatal(err)
	}
	return s.script(t, []string{"AGENT_ACCESS_KEY_ID=" + *role.Credentials.AccessKeyId,
		"AGENT_SECRET_ACCESS_KEY=" + *role.Credentials.SecretAccessKey, "AGENT_SESSION_TOKEN=" + *role.Credentials.SessionToken},
		stops, "teamcity-server.mjs", actionID, build)
}

func teamCityAction(actionID string, more ...object) object {
	a := action("Build", "Custom", "Build", "TeamCity", object{"TeamCityServerURL": "https://tc.example", "BuildConfigurationID": "Web_Build", "ActionID": actionID}, more...)
	a["actionTypeId"].(object)["version"] = "10"
	return a
}

func testTeamCity(t *testing.T, s *server) {
	s.registerTeamCity()
	s.bucket("teamcity-site")
	s.call("CreatePipeline", object{"pipeline": declaration("teamcity",
		stage("Source", manualSource("workers-source", "app.zip")),
		stage("Build", teamCityAction("web-1", inputs("Source"), outputs("Site"))),
		stage("Deploy", action("Site", "AWS", "Deploy", "S3", object{"BucketName": "teamcity-site", "Extract": "true"}, inputs("Site"))))}, nil)
	w := s.teamCity(t, "", "web-1", "4812")
	if got := w.steps("type"); got != "Build 10" {
		t.Errorf("the first TeamCity of the list is %s, want the newest", got)
	}
	w.steps("polled", "acknowledged InProgress", "input Source", "output Site", "succeeded")
	w.end()
	s.ends("teamcity", s.newest("teamcity"), "Succeeded")
	if st := s.state("teamcity", "Build", "Succeeded"); *st.ExternalExecutionId != "4812" || *st.PercentComplete != 100 {
		t.Errorf("the build is shown as %s", asJSON(st))
	}
	if got := string(s.get("teamcity-site", "main.txt")); got != "the source" {
		t.Errorf("what was deployed says %q", got)
	}
}
