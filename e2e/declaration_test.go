package e2e

import "maps"

// object is a JSON object in the API's spelling.
type object map[string]any

// artifacts is the bucket of all pipelines; the server makes it.
const artifacts = "e2e-artifacts"

func declaration(name string, stages ...object) object {
	return object{
		"name": name, "roleArn": "arn:aws:iam::" + account + ":role/pipeline",
		"artifactStore": object{"type": "S3", "location": artifacts}, "stages": stages,
	}
}

func stage(name string, actions ...object) object {
	return object{"name": name, "actions": actions}
}

// action declares an action; more holds members that not all have.
func action(name, owner, category, provider string, configuration object, more ...object) object {
	a := object{
		"name":         name,
		"actionTypeId": object{"category": category, "owner": owner, "provider": provider, "version": "1"},
	}
	if configuration != nil {
		a["configuration"] = configuration
	}
	for _, m := range more {
		maps.Copy(a, m)
	}
	return a
}

func inputs(names ...string) object  { return object{"inputArtifacts": named(names)} }
func outputs(names ...string) object { return object{"outputArtifacts": named(names)} }

func named(names []string) []object {
	list := make([]object, len(names))
	for i, name := range names {
		list[i] = object{"name": name}
	}
	return list
}

// s3Source is a source that is looked at by the embedded store itself.
func s3Source(bucket, key string) object {
	return action("Fetch", "AWS", "Source", "S3", object{"S3Bucket": bucket, "S3ObjectKey": key}, outputs("Source"), object{"namespace": "Origin"})
}

// manualSource is an S3 source that no upload starts.
func manualSource(bucket, key string) object {
	return action("Fetch", "AWS", "Source", "S3", object{"S3Bucket": bucket, "S3ObjectKey": key, "PollForSourceChanges": "false"}, outputs("Source"))
}

func approval(name string) object {
	return action(name, "AWS", "Approval", "Manual", object{"CustomData": "Please look at it"})
}

// commands is a Compute action.
func commands(name string, lines []string, more ...object) object {
	return action(name, "AWS", "Compute", "Commands", nil, append([]object{{"commands": lines}}, more...)...)
}
