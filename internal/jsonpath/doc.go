// Package jsonpath reads values of JSON documents by paths in the dialect of
// Jayway's JsonPath for Java, which the filters of webhooks are written in: its
// optional $, its names with dashes, its filters that take an object for
// itself, its numbers. It differs from RFC 9535 and from most Go libraries in
// just these.
//
// What it knows: $ and @, .name, ['name'], ["a","b"], [0], [-1], [0,2], [1:3],
// * and [*], .. before any of them, [?(…)] with == != < <= > >= =~ in nin
// contains size empty, && || ! and parentheses, and length() or size() at the
// end of a path that names one place. Other functions and operators of Jayway
// are refused when a path is parsed, never ignored.
//
// Documents come from strangers, so the work of a search is bounded.
package jsonpath
