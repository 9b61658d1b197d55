package s3blob

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"penstock/internal/blob"
)

// lifetime is how long the credentials of a job work, in seconds.
const lifetime = 3600

// Credentials makes the credentials of jobs on an external S3. It implements
// [blob.CredentialSource].
type Credentials struct {
	sts *sts.Client
	o   Options
}

var _ blob.CredentialSource = (*Credentials)(nil)

// NewCredentials returns the credential source for a store opened with the
// same options. It does not connect.
func NewCredentials(ctx context.Context, o Options) (*Credentials, error) {
	c, err := o.load(ctx)
	if err != nil {
		return nil, err
	}
	client := sts.NewFromConfig(c, func(s *sts.Options) {
		if o.STSEndpoint != "" {
			s.BaseEndpoint = &o.STSEndpoint
		}
	})
	return &Credentials{sts: client, o: o}, nil
}

// For implements [blob.CredentialSource]: it assumes the role with a session
// policy that leaves only the job's artifacts. Without a role it refuses,
// unless our own credentials may be handed out.
func (c *Credentials) For(ctx context.Context, account string, inputs, outputs []blob.ObjectRef, jobID string) (blob.Credentials, error) {
	if c.o.RoleARN == "" {
		if c.o.HandOutOwn && c.o.AccessKeyID != "" {
			return blob.Credentials{AccessKeyID: c.o.AccessKeyID, SecretAccessKey: c.o.SecretAccessKey, SessionToken: c.o.SessionToken}, nil
		}
		return blob.Credentials{}, &blob.Error{Code: blob.CredentialsNotAllowed, Message: "the external S3 has no role to make credentials that are limited to a job; name one in the settings, or permit handing out the server's own credentials"}
	}
	policy, err := sessionPolicy(partition(c.o.RoleARN), inputs, outputs)
	if err != nil {
		return blob.Credentials{}, err
	}
	out, err := c.sts.AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: &c.o.RoleARN, RoleSessionName: aws.String(sessionName(account, jobID)),
		Policy: &policy, DurationSeconds: aws.Int32(lifetime),
	})
	if err != nil {
		return blob.Credentials{}, fmt.Errorf("s3blob: credentials for job %s: %w", jobID, err)
	}
	return blob.Credentials{
		AccessKeyID: aws.ToString(out.Credentials.AccessKeyId), SecretAccessKey: aws.ToString(out.Credentials.SecretAccessKey),
		SessionToken: aws.ToString(out.Credentials.SessionToken), Expires: aws.ToTime(out.Credentials.Expiration),
	}, nil
}

// partition is the second field of an ARN.
func partition(arn string) string {
	fields := strings.SplitN(arn, ":", 3)
	if len(fields) < 3 {
		return "aws"
	}
	return fields[1]
}

// sessionName is at most 64 characters of [\w+=,.@-].
func sessionName(account, jobID string) string {
	name := []byte("penstock-" + account + "-" + jobID)
	for i, c := range name {
		if !strings.ContainsRune("+=,.@-_", rune(c)) && !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') {
			name[i] = '-'
		}
	}
	return string(name[:min(len(name), 64)])
}

type statement struct {
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string]string `json:",omitempty"`
}

// sessionPolicy permits reading the inputs and writing the outputs. KMS is
// permitted through S3 only, as far as the role itself has it.
func sessionPolicy(partition string, inputs, outputs []blob.ObjectRef) (string, error) {
	var statements []statement
	buckets := map[string]bool{}
	var inBuckets []string
	add := func(refs []blob.ObjectRef, actions ...string) {
		s := statement{Effect: "Allow", Action: actions}
		for _, r := range refs {
			s.Resource = append(s.Resource, "arn:"+partition+":s3:::"+r.Bucket+"/"+literal(r.Key))
			if !buckets[r.Bucket] {
				buckets[r.Bucket] = true
				inBuckets = append(inBuckets, "arn:"+partition+":s3:::"+r.Bucket)
			}
		}
		if len(refs) > 0 {
			statements = append(statements, s)
		}
	}
	add(inputs, "s3:GetObject", "s3:GetObjectVersion")
	add(outputs, "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
	if len(inBuckets) == 0 {
		// A session policy must permit or deny something.
		statements = []statement{{Effect: "Deny", Action: []string{"*"}, Resource: []string{"*"}}}
	} else {
		statements = append(statements,
			statement{Effect: "Allow", Action: []string{"s3:GetBucketLocation"}, Resource: inBuckets},
			statement{
				Effect: "Allow", Action: []string{"kms:Decrypt", "kms:GenerateDataKey"}, Resource: []string{"*"},
				Condition: map[string]map[string]string{"StringLike": {"kms:ViaService": "s3.*"}},
			})
	}
	policy, err := json.Marshal(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", statements})
	return string(policy), err
}

// literal keeps a key's characters from being wildcards or variables.
func literal(key string) string {
	return strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}").Replace(key)
}
