# RAMP of a'b "c" ${d} %{e} $(f) `g`\x0a# h-10 as of 2026-11-06 21:20 UTC (criteria_met)
#   control: 90 % -> 75 %
#   it's: 10 % -> 25 %
# new_experiment: asked for.

# 1. In the resource of exp_1, and apply:
resource "auth0_experiment" "keyramp" {
  # all that is not named here stays as it is
  status = "paused"
}

# 2. A new resource, and apply:
resource "auth0_experiment" "keyramp_next" {
  name                = "a'b \"c\" $${d} %%{e} $(f) `g`\n# h-25"
  feature_flag_id     = "flg_1"
  authentication_flow = "authentication"
  allocation_strategy = "percentage"
  status              = "active"

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

# 3. At last, in the resource of exp_1:
resource "auth0_experiment" "keyramp" {
  # all that is not named here stays as it is
  status = "completed"
}
# Tell keyramp that the new experiment goes on with the old one: in the settings file, experiments: NEW_EXPERIMENT_ID: continues: [exp_1].
