# ROLL_BACK of a'b "c" ${d} %{e} $(f) `g`\x0a# h-10 as of 2026-11-06 21:20 UTC (criteria_met)
#   control: 90 % -> 90 %
#   it's: 10 % -> 10 %
# pause: a paused experiment sends everybody back to the baseline at once, and can go on later.

# In the resource of exp_1:
resource "auth0_experiment" "keyramp" {
  # all that is not named here stays as it is
  status = "paused"
}
# Once the cause is known, complete the experiment, which is final, or start a new one.
