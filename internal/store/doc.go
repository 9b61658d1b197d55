// Package store keeps the state of Penstock. Store is what services use; it
// holds the logic that all databases share (Step: load, decide, save in one
// transaction). Driver is the port that a database implements; package
// storetest is its contract.
package store
