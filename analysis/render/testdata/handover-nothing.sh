#!/bin/sh
# HOLD of a'b "c" ${d} %{e} $(f) `g`\x0a# h-10 as of 2026-11-06 21:20 UTC (criteria_met)
# nothing: the decision keeps the share.
# Nothing to do at the tenant.
