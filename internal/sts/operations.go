package sts

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"penstock/internal/auth"
)

func (h *Handler) getCallerIdentity(caller auth.Principal, _ url.Values) (any, error) {
	return callerIdentity{Account: caller.Account, Arn: caller.ARN, UserID: userID(caller)}, nil
}

// userID is the account for root and ROLEID:SESSION for an assumed role, as
// STS tells it.
func userID(p auth.Principal) string {
	_, resource, _ := strings.Cut(p.ARN, ":assumed-role/")
	if role, session, ok := strings.Cut(resource, "/"); ok {
		return roleID(p.Account, role) + ":" + session
	}
	return p.Account
}

// roleID makes the stable id that a role would have: Penstock keeps none.
func roleID(account, role string) string {
	sum := sha256.Sum256([]byte(account + "/" + role))
	return "AROA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

const (
	minDuration        = 900    // seconds
	maxRoleDuration    = 43200  // seconds
	maxSessionDuration = 129600 // seconds
	roleDuration       = 3600   // seconds, when none is asked for
	sessionDuration    = 43200  // seconds, when none is asked for
	maxSessionName     = 64
)

var (
	sessionNamePattern = regexp.MustCompile(`^[\w+=,.@-]*$`)
	roleARNPattern     = regexp.MustCompile(`^arn:aws[\w-]*:iam::([0-9]{12}):role/(?:[\x21-\x7E]+/)?([\w+=,.@-]{1,64})$`)
)

// narrowing are the parameters that would make a session weaker than its
// caller. Ignoring them would hand out more than was asked for.
var narrowing = []string{"Policy", "PolicyArns.", "Tags.", "TransitiveTagKeys.", "ProvidedContexts.", "SerialNumber", "TokenCode"}

func refuseNarrowing(form url.Values) error {
	for name := range form {
		for _, n := range narrowing {
			if name == n || strings.HasSuffix(n, ".") && strings.HasPrefix(name, n) {
				return invalid("Penstock does not support the parameter %s: leave it out", strings.TrimSuffix(n, "."))
			}
		}
	}
	return nil
}

// assumeRole gives a long-term key a session under the name of a role of its
// account. Roles are not kept: every name exists.
func (h *Handler) assumeRole(caller auth.Principal, form url.Values) (any, error) {
	roleARN, session := form.Get("RoleArn"), form.Get("RoleSessionName")
	if !form.Has("RoleArn") {
		return nil, violation("null", "roleArn", "Member must not be null")
	}
	switch n := len(session); {
	case !form.Has("RoleSessionName"):
		return nil, violation("null", "roleSessionName", "Member must not be null")
	case n < 2:
		return nil, violation("'"+session+"'", "roleSessionName", "Member must have length greater than or equal to 2")
	case n > maxSessionName:
		return nil, violation("'"+session+"'", "roleSessionName", "Member must have length less than or equal to 64")
	case !sessionNamePattern.MatchString(session):
		return nil, violation("'"+session+"'", "roleSessionName", `Member must satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	role := roleARNPattern.FindStringSubmatch(roleARN)
	if role == nil {
		return nil, invalid("%s is invalid", roleARN)
	}
	seconds, err := duration(form, roleDuration, maxRoleDuration)
	if err != nil {
		return nil, err
	}
	if err := refuseNarrowing(form); err != nil {
		return nil, err
	}
	if role[1] != caller.Account || !caller.Expires.IsZero() {
		return nil, denied(caller, "AssumeRole", roleARN)
	}
	user := assumedRoleUser{
		AssumedRoleID: roleID(caller.Account, role[2]) + ":" + session,
		Arn:           "arn:aws:sts::" + caller.Account + ":assumed-role/" + role[2] + "/" + session,
	}
	scope := auth.SessionScope{Account: caller.Account, ARN: user.Arn}
	return assumedRole{User: user, Credentials: newCredentials(h.sessions.Mint(scope, seconds))}, nil
}

// getSessionToken gives a long-term key temporary credentials under its own
// name.
func (h *Handler) getSessionToken(caller auth.Principal, form url.Values) (any, error) {
	seconds, err := duration(form, sessionDuration, maxSessionDuration)
	if err != nil {
		return nil, err
	}
	if err := refuseNarrowing(form); err != nil {
		return nil, err
	}
	if !caller.Expires.IsZero() {
		return nil, &apiError{http.StatusForbidden, "AccessDenied", "Cannot call GetSessionToken with session credentials"}
	}
	scope := auth.SessionScope{Account: caller.Account, ARN: caller.ARN}
	return sessionToken{Credentials: newCredentials(h.sessions.Mint(scope, seconds))}, nil
}

// duration reads DurationSeconds.
func duration(form url.Values, preset, most int) (time.Duration, error) {
	if !form.Has("DurationSeconds") {
		return time.Duration(preset) * time.Second, nil
	}
	text := form.Get("DurationSeconds")
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, &apiError{http.StatusBadRequest, "MalformedInput", "DurationSeconds is not an integer"}
	case n < minDuration:
		return 0, violation("'"+text+"'", "durationSeconds", "Member must have value greater than or equal to "+strconv.Itoa(minDuration))
	case n > most:
		return 0, violation("'"+text+"'", "durationSeconds", "Member must have value less than or equal to "+strconv.Itoa(most))
	}
	return time.Duration(n) * time.Second, nil
}

func violation(value, path, clause string) error {
	return invalid("1 validation error detected: Value %s at '%s' failed to satisfy constraint: %s", value, path, clause)
}

func invalid(format string, args ...any) error {
	return &apiError{http.StatusBadRequest, "ValidationError", fmt.Sprintf(format, args...)}
}
