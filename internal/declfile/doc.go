// Package declfile reads declarations of pipelines from files and checks them by
// the rules of the server, without one. A file is JSON or YAML: the input of
// `aws codepipeline create-pipeline`, the output of get-pipeline, a bare
// declaration, or a CloudFormation template.
package declfile
