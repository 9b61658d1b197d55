// Package e2e drives the real penstock binary as its users do: with the AWS
// CLI, with aws-sdk-go-v2, with the worker kit and with penstock's own client
// commands, over TCP, and with kill -9 in the middle.
//
// Tests that need the AWS CLI are skipped where it is missing, and fail where
// CI=true is set. PENSTOCK_E2E_RACE=1 builds the binary with the race detector,
// PENSTOCK_E2E_KILLS says how often the crash test kills the server.
package e2e
