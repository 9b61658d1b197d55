package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"

	"penstock/internal/core/engine"
	"penstock/internal/core/pipeline"
	"penstock/internal/jsonpath"
	"penstock/internal/store"
)

// Error codes that a webhook shows in ListWebhooks after a delivery.
const (
	PipelineGone = "PipelineNotFoundException"
	ActionGone   = "ActionNotFoundException"
)

// gone says what the target of a webhook lacks.
type gone struct{ code, message string }

// Error implements error.
func (g *gone) Error() string { return g.message }

// delivery is what a request brings, authenticated.
type delivery struct {
	id, event string // as the sender's headers say; "" = unknown
	body      any
}

// deliver starts an execution for a delivery that passes the filters and was
// not here before.
func (rc *Receiver) deliver(ctx context.Context, hook store.Webhook, in delivery) error {
	passes := false
	var bound *engine.Binding
	err := rc.opt.Store.View(ctx, func(r store.Reader) error {
		_, target, err := findTarget(r, hook)
		if err != nil {
			return err
		}
		bound = binding(target, in.event, in.body)
		passes, err = match(hook.Filters, target, in.body)
		return err
	})
	if g, ok := errors.AsType[*gone](err); ok {
		return rc.targetGone(ctx, hook, g)
	}
	if err != nil {
		if errors.Is(err, jsonpath.ErrTooMuch) {
			return refuse(http.StatusBadRequest, "the filters of this webhook need too much work on this body")
		}
		return err
	}
	if !passes {
		rc.opt.Logger.Debug("a delivery to a webhook does not match its filters", "webhook", hook.ARN())
		return nil
	}
	execution := ""
	err = rc.opt.Store.Update(ctx, func(tx store.Tx) (err error) {
		execution, err = rc.start(tx, hook, in.id, bound)
		return err
	})
	if g, ok := errors.AsType[*gone](err); ok {
		return rc.targetGone(ctx, hook, g)
	}
	if err != nil {
		return err
	}
	if execution == "" {
		rc.opt.Logger.Info("a delivery to a webhook came again", "webhook", hook.ARN())
		return nil
	}
	rc.opt.Logger.Info("a webhook started an execution", "webhook", hook.ARN(), "pipeline", hook.TargetPipeline, "execution", execution)
	return nil
}

// start returns the execution, "" for a delivery that started one before.
func (rc *Receiver) start(tx store.Tx, hook store.Webhook, id string, bound *engine.Binding) (string, error) {
	now := rc.opt.Store.Now()
	current, err := tx.WebhookOf(hook.Token)
	if errors.Is(err, store.ErrNotFound) {
		return "", errUnknown
	}
	if err != nil {
		return "", err
	}
	p, _, err := findTarget(tx, hook)
	if err != nil {
		return "", err
	}
	if id != "" {
		// The sender chooses how long it is; its hash has one length.
		sum := sha256.Sum256([]byte(id))
		if fresh, err := tx.Delivered(hook.ID, hex.EncodeToString(sum[:]), now); err != nil || !fresh {
			return "", err
		}
	}
	execution, err := rc.opt.Store.Step(tx, p.ID, engine.Start{Trigger: engine.Trigger{Type: "Webhook", Detail: hook.ARN()}, Bound: bound})
	if err != nil {
		return "", err
	}
	current.LastTriggered, current.ErrorCode, current.ErrorMessage = now, "", ""
	return execution, tx.PutWebhook(current)
}

// findTarget returns the pipeline and the action that a webhook is for; the
// error is *gone when one of them is not there any more.
func findTarget(r store.Reader, hook store.Webhook) (store.Pipeline, *pipeline.Action, error) {
	p, err := r.Pipeline(hook.Account, hook.Region, hook.TargetPipeline)
	if errors.Is(err, store.ErrNotFound) {
		return p, nil, &gone{PipelineGone, "The pipeline '" + hook.TargetPipeline + "' does not exist"}
	}
	if err != nil {
		return p, nil, err
	}
	d, err := r.Declaration(p.ID, p.Version)
	if err != nil {
		return p, nil, err
	}
	target := Target(d, hook.TargetAction)
	if target == nil {
		return p, nil, &gone{ActionGone, "The first stage of pipeline '" + hook.TargetPipeline + "' has no action '" + hook.TargetAction + "'"}
	}
	return p, target, nil
}

// targetGone shows on the webhook why its deliveries fail.
func (rc *Receiver) targetGone(ctx context.Context, hook store.Webhook, g *gone) error {
	rc.opt.Logger.Warn("a webhook has lost its target", "webhook", hook.ARN(), "reason", g.message)
	err := rc.opt.Store.Update(ctx, func(tx store.Tx) error {
		current, err := tx.WebhookOf(hook.Token)
		if err != nil || current.ErrorCode == g.code && current.ErrorMessage == g.message {
			return err
		}
		current.ErrorCode, current.ErrorMessage = g.code, g.message
		return tx.PutWebhook(current)
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return refuse(http.StatusNotFound, g.message)
}
