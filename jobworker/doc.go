// Package jobworker is a kit to write job workers for AWS CodePipeline's custom
// and partner actions, as served by Penstock and by AWS itself.
//
// A worker is a Handler, a Client that speaks for one action type, and a Worker
// that polls, acknowledges, runs the handler, keeps artifact credentials fresh,
// reports, and drains when its context ends:
//
//	caller, err := jobworker.NewCaller(jobworker.Config{Endpoint: "http://127.0.0.1:7480", Region: "us-east-1", Credentials: jobworker.Static(creds)})
//	client := jobworker.NewClient(caller, jobworker.ActionType{Category: "Build", Owner: "Custom", Provider: "Mine", Version: "1"}, nil)
//	err = jobworker.New(client, handler, jobworker.Options{Concurrency: 4}).Run(ctx)
//
// A handler may see the same work more than once: a worker that dies after its
// acknowledgement loses the job to a time-out or, for Penstock's own actions, to
// a successor that starts again. It should therefore be safe to repeat.
package jobworker
