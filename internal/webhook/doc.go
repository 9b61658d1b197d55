// Package webhook receives deliveries at the URLs that PutWebhook returns and
// starts pipelines for those that pass (jobs.md section 17). It also holds the
// rules of a webhook's definition, so that what PutWebhook accepts is what a
// delivery is checked by.
//
// A delivery goes through, in order: the token in the URL, the source address,
// the rate, the size, the signature, the body's form, the target, the filters,
// and whether it was here before. Nothing of it is logged but the outcome.
package webhook
