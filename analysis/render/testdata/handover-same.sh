#!/bin/sh
# RAMP of a'b "c" ${d} %{e} $(f) `g`\x0a# h-10 as of 2026-11-06 21:20 UTC (criteria_met)
#   control: 90 % -> 75 %
#   it's: 10 % -> 25 %
# same_experiment: the tenant was never seen with a paused experiment, so whether it lets allocations be edited then shows when it is asked.
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
	if [ -n "$paused" ]; then
		paused=
		# go on with the weights that were in force
		stop() { echo 'LOOK AT THE EXPERIMENT: it may be paused, and then needs to be activated by hand' >&2; exit 1; }
		call POST '/api/v2/experimentation/experiments/exp_1/status' '{"status":"active"}'
		echo 'the experiment goes on as it was' >&2
		echo 'If the new weights are refused because allocations are editable in a draft alone, use `keyramp decide --emit curl --via new_experiment`.' >&2
	fi
	exit 1
}
trap stop INT TERM HUP

# validate first
valid '/api/v2/experimentation/experiments/exp_1/validate'
paused=yes
# weights cannot be changed while it is active; logins in flight keep their variation
call POST '/api/v2/experimentation/experiments/exp_1/status' '{"status":"paused"}'
# the new weights, in the same order: so people keep their buckets
call PATCH '/api/v2/experimentation/experiments/exp_1' '{"allocations":[{"variation_id":"var_c","weight":75,"is_control":true},{"variation_id":"var_t","weight":25,"is_control":false}]}'
# are they accepted?
valid '/api/v2/experimentation/experiments/exp_1/validate'
# go on
call POST '/api/v2/experimentation/experiments/exp_1/status' '{"status":"active"}'
paused=

