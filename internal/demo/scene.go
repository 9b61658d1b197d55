package demo

import (
	"archive/zip"
	"bytes"
	"io"

	"penstock/internal/api"
)

// sourceZip is the application that the pipeline builds.
func sourceZip() (*bytes.Reader, error) {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, f := range []struct{ name, content string }{
		{"page.tmpl", "<h1>Hello from Penstock</h1>\n<p>Built from source version @VERSION@</p>\n"},
		{"build.sh", "set -e\nsed \"s/@VERSION@/$SOURCE_VERSION/\" page.tmpl > index.html\necho \"built $(wc -c < index.html) bytes\"\n"},
	} {
		w, err := z.Create(f.name)
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, f.content); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return bytes.NewReader(buf.Bytes()), err
}

func actionType(category, owner, provider string) api.ActionTypeId {
	return api.ActionTypeId{Category: category, Owner: owner, Provider: provider, Version: "1"}
}

// declaration is the demo's pipeline.
func declaration() api.PipelineDeclaration {
	site := []api.InputArtifact{{Name: "Site"}}
	return api.PipelineDeclaration{
		Name: name, RoleArn: "arn:aws:iam::000000000000:role/demo", PipelineType: "V2",
		ArtifactStore: &api.ArtifactStore{Type: "S3", Location: "demo-artifacts"},
		Stages: []api.StageDeclaration{
			{Name: "Source", Actions: []api.ActionDeclaration{{
				Name: "Fetch", ActionTypeId: actionType("Source", "AWS", "S3"), Namespace: "Source",
				Configuration:   map[string]string{"S3Bucket": sourceBucket, "S3ObjectKey": sourceKey},
				OutputArtifacts: []api.OutputArtifact{{Name: "Tree"}},
			}}},
			{Name: "Build", Actions: []api.ActionDeclaration{{
				Name: "Build", ActionTypeId: actionType("Compute", "AWS", "Commands"),
				Commands:             []string{"sh build.sh"},
				EnvironmentVariables: []api.EnvironmentVariable{{Name: "SOURCE_VERSION", Value: "#{Source.VersionId}"}},
				InputArtifacts:       []api.InputArtifact{{Name: "Tree"}},
				OutputArtifacts:      []api.OutputArtifact{{Name: "Site", Files: []string{"index.html"}}},
			}}},
			{Name: "Test", Actions: []api.ActionDeclaration{
				{Name: "Lint", ActionTypeId: actionType("Test", "Custom", "Lint"), InputArtifacts: site},
				{Name: "Scan", ActionTypeId: actionType("Test", "ThirdParty", "Acme"), InputArtifacts: site},
			}},
			{Name: "Release", Actions: []api.ActionDeclaration{{
				Name: "Approve", ActionTypeId: actionType("Approval", "AWS", "Manual"),
				Configuration: map[string]string{"CustomData": "Shall version #{Source.VersionId} go out?"},
			}}},
			{Name: "Deploy", Actions: []api.ActionDeclaration{{
				Name: "Publish", ActionTypeId: actionType("Deploy", "AWS", "S3"), InputArtifacts: site,
				Configuration: map[string]string{"BucketName": siteBucket, "Extract": "true"},
			}}},
		},
	}
}
