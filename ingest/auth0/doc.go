// Package auth0 reads a tenant over the Management API: log events by
// checkpoint paging, and what the tenant says of its experiments. Only GET
// requests and the POST for a token leave it, to the configured host alone.
package auth0
