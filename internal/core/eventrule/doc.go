// Package eventrule holds the rules of EventBridge's rules: which events a
// pattern matches, and when a schedule comes. It is pure: documents are what a
// JSON decoder makes of them, with Number for numbers.
package eventrule
