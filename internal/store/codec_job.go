package store

import (
	"fmt"
	"maps"
	"strconv"

	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
)

// AppendJob appends the part of a job to b that never changes, with its secret
// configuration values sealed for this job; QueuedAt, State, Nonces, AckedAt,
// EndedAt and Report are stored apart.
func AppendJob(b []byte, j *job.Job, s Sealer) []byte {
	o := object(b)
	o.open()
	o.text("ID", j.ID)
	o.text("Kind", string(j.Kind))
	o.number("PipelineID", j.PipelineID)
	o.text("Account", j.Account)
	o.text("Region", j.Region)
	o.text("Pipeline", j.Pipeline)
	o.text("ExecutionID", j.ExecutionID)
	o.text("ActionExecutionID", j.ActionExecutionID)
	o.text("Stage", j.Stage)
	o.text("Action", j.Action)
	one(&o, "Type", &j.Type, actionType)
	o.text("Query", j.Query)
	o.text("ClientID", j.ClientID)
	o.text("Home", j.Home)
	o.number("Timeout", int64(j.Timeout))
	o.time("ReportBy", j.ReportBy)
	o.key("Data")
	o.open()
	d := &j.Data
	o.dict("Configuration", sealKeys(d.Configuration, d.Secrets, s, jobContext(j.ID)))
	o.texts("Secrets", d.Secrets)
	each(&o, "Inputs", d.Inputs, jobArtifact)
	each(&o, "Outputs", d.Outputs, jobArtifact)
	one(&o, "EncryptionKey", d.EncryptionKey, func(o *object, k *pipeline.EncryptionKey) {
		o.text("ID", k.ID)
		o.text("Type", k.Type)
	})
	o.text("ContinuationToken", d.ContinuationToken)
	o.texts("Commands", d.Commands)
	each(&o, "Environment", d.Environment, func(o *object, v *pipeline.EnvironmentVariable) {
		o.text("Name", v.Name)
		o.text("Value", v.Value)
		o.text("Type", v.Type)
	})
	o.texts("OutputVariables", d.OutputVariables)
	if len(d.OutputFiles) > 0 {
		o.key("OutputFiles")
		o.open()
		for name, files := range d.OutputFiles {
			o.next()
			o = append(appendText(o, name), ':', '[')
			for _, f := range files {
				o.next()
				o = appendText(o, f)
			}
			o = append(o, ']')
		}
		o.close()
	}
	o.dict("Overrides", d.Overrides)
	o.dict("Event", d.Event)
	o.time("Deadline", d.Deadline)
	o.text("Function", d.Function)
	o.close()
	o.close()
	return o
}

// DecodeJob reads what AppendJob wrote.
func DecodeJob(b []byte, s Sealer) (*job.Job, error) {
	j, err := decode[job.Job](b)
	if err != nil {
		return nil, err
	}
	if err := openKeys(j.Data.Configuration, j.Data.Secrets, s, jobContext(j.ID)); err != nil {
		return nil, err
	}
	return j, nil
}

func jobContext(id string) string { return "job/" + id + "/" }

func jobArtifact(o *object, a *job.Artifact) {
	o.text("Name", a.Name)
	o.text("Revision", a.Revision)
	o.text("Bucket", a.Bucket)
	o.text("Key", a.Key)
}

func appendInt(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }

// sealKeys returns the configuration with the values of the secret keys
// sealed; the given map stays as it is.
func sealKeys(config map[string]string, secrets []string, s Sealer, context string) map[string]string {
	if len(secrets) == 0 {
		return config
	}
	sealed := maps.Clone(config)
	for _, key := range secrets {
		if v, ok := sealed[key]; ok {
			sealed[key] = s.Seal([]byte(v), context+key)
		}
	}
	return sealed
}

// openKeys undoes sealKeys, in place.
func openKeys(config map[string]string, secrets []string, s Sealer, context string) error {
	for _, key := range secrets {
		v, ok := config[key]
		if !ok {
			continue
		}
		clear, err := s.Open(v, context+key)
		if err != nil {
			return fmt.Errorf("store: secret %s%s cannot be opened; is this the master key it was sealed with? %w", context, key, err)
		}
		config[key] = string(clear)
	}
	return nil
}
