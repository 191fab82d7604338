# RAMP of a'b "c" ${d} %{e} $(f) `g`\x0a# h-10 as of 2026-11-06 21:20 UTC (criteria_met)
#   control: 90 % -> 75 %
#   it's: 10 % -> 25 %
# same_experiment: the tenant was never seen with a paused experiment, so whether it lets allocations be edited then shows when it is asked.

# 1. In the resource of exp_1, and apply:
resource "auth0_experiment" "keyramp" {
  # all that is not named here stays as it is
  status = "paused"
}

# 2. then, and apply again:
resource "auth0_experiment" "keyramp" {
  # all that is not named here stays as it is
  status = "active"

  allocations {
    variation_id = "var_c"
    is_control   = true
    weight       = 75
  }

  allocations {
    variation_id = "var_t"
    is_control   = false
    weight       = 25
  }
}
# If the new weights are refused because allocations are editable in a draft alone, use `keyramp decide --emit curl --via new_experiment`.
