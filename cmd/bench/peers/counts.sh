#!/bin/sh
# Counts with jq, sort and uniq: sh counts.sh FILE...
set -eu
jq -r '[.log_id, .details.experiment.experiment_id // "", .details.experiment.variation_id // "", .type] | @tsv' "$@" |
  LC_ALL=C sort -u | cut -f 2- | LC_ALL=C sort | uniq -c | sed -E 's/^ *([0-9]+) (.*)$/\2\t\1/'
