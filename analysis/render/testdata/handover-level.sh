#!/bin/sh
# RAMP of a'b "c" ${d} %{e} $(f) `g`\x0a# h-10 as of 2026-11-06 21:20 UTC (criteria_met)
#   level 10 -> 25
# advance_ramp: the experiment ramps by levels: the next one needs no pause.
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

# validate first
valid '/api/v2/experimentation/experiments/exp_1/validate'
# the next level
call POST '/api/v2/experimentation/experiments/exp_1/advance-ramp' '{"target_level":25}'

echo 'A level cannot be taken back: the way back is to pause.' >&2
