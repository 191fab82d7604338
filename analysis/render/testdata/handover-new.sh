#!/bin/sh
# RAMP of a'b "c" ${d} %{e} $(f) `g`\x0a# h-10 as of 2026-11-06 21:20 UTC (criteria_met)
#   control: 90 % -> 75 %
#   it's: 10 % -> 25 %
# new_experiment: asked for.
# keyramp 1.0 wrote these calls and made none of them. Read them, then run them with sh.
# The token needs read:experimentation and update:experimentation, and create:experimentation.
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
		# go on with the old experiment; the draft can be deleted
		stop() { echo 'LOOK AT THE EXPERIMENT: it may be paused, and then needs to be activated by hand' >&2; exit 1; }
		call POST '/api/v2/experimentation/experiments/exp_1/status' '{"status":"active"}'
		echo 'the experiment goes on as it was' >&2
	fi
	exit 1
}
trap stop INT TERM HUP

# a draft with the new weights
call POST '/api/v2/experimentation/experiments' '{"name":"a'\''b \"c\" ${d} %{e} $(f) `g`\n# h-25","feature_flag_id":"flg_1","authentication_flow":"authentication","allocation_strategy":"percentage","allocations":[{"variation_id":"var_c","weight":75,"is_control":true},{"variation_id":"var_t","weight":25,"is_control":false}]}'
id=$(printf %s "$answer" | tr -d '\r\n' | sed -n 's/.*"\(experiment_\)\{0,1\}id": *"\(exp_[A-Za-z0-9_-]*\)".*/\2/p')
[ -n "$id" ] || stop
paused=yes
# one active experiment a flow: the old one makes room, and could still go on
call POST '/api/v2/experimentation/experiments/exp_1/status' '{"status":"paused"}'
# is the new one ready?
valid '/api/v2/experimentation/experiments/'"$id"'/validate'
# start the new one
call POST '/api/v2/experimentation/experiments/'"$id"'/status' '{"status":"active"}'
paused=
# end the old one, which is final
call POST '/api/v2/experimentation/experiments/exp_1/status' '{"status":"completed"}'

echo 'Tell keyramp that the new experiment goes on with the old one: in the settings file, experiments: '"$id"': continues: [exp_1].' >&2
