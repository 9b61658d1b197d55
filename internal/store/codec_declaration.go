package store

import (
	"encoding/json"
	"fmt"
	"strconv"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/pipeline"
)

// EncodeDeclaration returns the document of a declaration, with the secret
// configuration values sealed for this pipeline. It keeps absent and empty
// members apart, as GetPipeline must.
func EncodeDeclaration(pipelineID int64, d *pipeline.Declaration, s Sealer) ([]byte, error) {
	if hasSecrets(d) {
		d = d.Clone()
		for i := range d.Stages {
			for k := range d.Stages[i].Actions {
				a := &d.Stages[i].Actions[k]
				a.Configuration = sealKeys(a.Configuration, a.Secrets, s, actionContext(pipelineID, d.Stages[i].Name, a.Name))
			}
		}
	}
	b, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("store: the declaration of %s cannot be written: %w", d.Name, err)
	}
	return b, nil
}

// DecodeDeclaration reads what EncodeDeclaration wrote.
func DecodeDeclaration(pipelineID int64, b []byte, s Sealer) (*pipeline.Declaration, error) {
	d, err := decode[pipeline.Declaration](b)
	if err != nil {
		return nil, err
	}
	for i := range d.Stages {
		for k := range d.Stages[i].Actions {
			a := &d.Stages[i].Actions[k]
			if err := openKeys(a.Configuration, a.Secrets, s, actionContext(pipelineID, d.Stages[i].Name, a.Name)); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

func hasSecrets(d *pipeline.Declaration) bool {
	for i := range d.Stages {
		for k := range d.Stages[i].Actions {
			if len(d.Stages[i].Actions[k].Secrets) > 0 {
				return true
			}
		}
	}
	return false
}

// actionContext binds a secret to its place: names of stages and actions hold
// no slashes.
func actionContext(pipelineID int64, stage, action string) string {
	return "pipeline/" + strconv.FormatInt(pipelineID, 10) + "/" + stage + "/" + action + "/"
}

// EncodeActionType returns the document of an action type's definition.
func EncodeActionType(t *actiontype.Type) ([]byte, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("store: an action type cannot be written: %w", err)
	}
	return b, nil
}

// DecodeActionType reads what EncodeActionType wrote.
func DecodeActionType(b []byte) (*actiontype.Type, error) { return decode[actiontype.Type](b) }

// SealToken seals the token of a partner client.
func SealToken(c *Client, s Sealer) string { return s.Seal([]byte(c.Token), "client/"+c.ID) }

// OpenToken undoes SealToken.
func OpenToken(id, sealed string, s Sealer) (string, error) { return openToken(id, sealed, "", s) }

// SealPrevious seals the token that a partner client had before; "" stays "".
func SealPrevious(c *Client, s Sealer) string {
	if c.Previous == "" {
		return ""
	}
	return s.Seal([]byte(c.Previous), "client/"+c.ID+previousToken)
}

// OpenPrevious undoes SealPrevious.
func OpenPrevious(id, sealed string, s Sealer) (string, error) {
	if sealed == "" {
		return "", nil
	}
	return openToken(id, sealed, previousToken, s)
}

// previousToken keeps a token that was replaced from being put back.
const previousToken = "/previous"

func openToken(id, sealed, which string, s Sealer) (string, error) {
	clear, err := s.Open(sealed, "client/"+id+which)
	if err != nil {
		return "", fmt.Errorf("store: the token of client %s cannot be opened; is this the master key it was sealed with? %w", id, err)
	}
	return string(clear), nil
}
