// Package postgres keeps the state of Penstock in PostgreSQL 15 or newer, for
// any number of nodes at once. It mirrors package sqlite file for file.
//
// The row of a pipeline is the lock of everything that belongs to it: an
// update that reads a pipeline, or a job of one, locks that row first, so that
// all it reads stays as it is until its commit. What belongs to no pipeline
// (types, clients, webhooks, tags…) is changed under one advisory lock.
//
// Updates that wait at the same moment share a transaction (lane.go): they run
// side by side, what they read goes out as one pipelined batch, what they
// write goes out with the COMMIT, and what is of one kind is one statement over
// arrays (batch.go). An update that cannot take part (another
// node has its pipeline locked, a statement fails) is run again alone
// (solo.go), where it waits for locks and fails alone.
package postgres
