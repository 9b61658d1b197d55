// Package lambda calls functions as AWS Lambda does: for the action
// Invoke/AWS/Lambda, for action types with a Lambda executor, and for the rule
// Rule/AWS/LambdaInvoke. A function is a URL or a command of the server's
// settings, or a function of AWS Lambda or of an endpoint that speaks its API.
package lambda
