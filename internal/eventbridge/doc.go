// Package eventbridge starts pipelines by events and schedules, as Amazon
// EventBridge does at AWS: its operations on rules and targets, and the event
// bus that the rules listen to. Targets are pipelines and nothing else.
package eventbridge
