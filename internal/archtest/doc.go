// Package archtest holds the architecture as a test: which package may import
// which (table_test.go), that the core is pure, that files stay readable and
// that packages are named by what they are.
package archtest
