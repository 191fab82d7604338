#!/bin/sh
# ROLL_BACK of a'b "c" ${d} %{e} $(f) `g`\x0a# h-10 as of 2026-11-06 21:20 UTC (criteria_met)
#   control: 90 % -> 90 %
#   it's: 10 % -> 10 %
# pause: a paused experiment sends everybody back to the baseline at once, and can go on later.
# keyramp 1.0 wrote these calls and made none of them. Read them, then run them with sh.
# The token needs read:experimentation and update:experimentation.
tenant='https://acme.example'
set -eu
: "${AUTH0_API_TOKEN:?set it to a token of the Management API}"
paused=

# call METHOD PATH BODY leaves the answer in $answer, and stops where it is refused.
call() {
	printf '%s %s\n' "$1" "$2" >&2
	answer=$(printf 'Authorization: Bearer %s\n' "$AUTH0_API_TOKEN" |
		curl --silent --show-error --fail-with-body --header @- --header 'Content-Type: application/json' \
			--request "$1" --data "$3" "$tenant$2") || stop
}

# valid PATH asks whether the experiment is ready, and stops if it is not.
valid() {
	call POST "$1" '{}'
	case $(printf %s "$answer" | tr -d ' \t\r\n') in
	*'"is_valid":true'*) ;;
	*) stop ;;
	esac
}

stop() {
	trap - INT TERM HUP
	printf 'refused, or cut short: %s\n' "${answer-}" >&2
	exit 1
}
trap stop INT TERM HUP

# new logins get the baseline; logins in flight end as they began
call POST '/api/v2/experimentation/experiments/exp_1/status' '{"status":"paused"}'

echo 'Once the cause is known, complete the experiment, which is final, or start a new one.' >&2
