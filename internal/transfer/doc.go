// Package transfer is the form in which tables travel from one database to
// another: a stream of JSON lines, compressed by gzip, that is written and read
// with bounded memory and that proves that it is whole.
//
//	{"penstock":"state","format":1,"created":"…","source":"sqlite","key":"…"}
//	{"table":"tag","columns":["arn","name","value"],"types":["text","text","text"]}
//	["arn:…","team","web"]
//	{"end":"tag","rows":1,"sha256":"…"}
//	{"end":"","rows":1,"sha256":"…"}
//
// The first line says what the stream holds. Each table has a line with its
// columns, one line a row, and a line with the number of rows and the SHA-256
// of their lines, line feeds included. The last line has the number of all rows
// and the SHA-256 of all lines before it. Integers and truth values (0 and 1)
// are numbers, bytes are base64 or null. Rows are ordered by the key of their
// table, so that equal tables have equal digests, whatever database they come
// from.
package transfer
