"""The morning job for Airflow: pull, then branch on the verdict.

A busy store (6) ends the pull as skipped (99), so the rest of the day waits for
the next run. decide tells the verdict by its status: HOLD (10) skips what
follows, INVESTIGATE (12) fails the task, and after RAMP and ROLL_BACK (11)
hand_over writes the next calls to the tenant. It fails at a ROLL_BACK once they
are written, so that people are told.

Airflow 2 has the same under other names: airflow.DAG and
airflow.operators.bash.BashOperator.
"""

from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

ENV = {
    "KEYRAMP_CONFIG": "/etc/keyramp/keyramp.yaml",
    "KEYRAMP_STORE": "/var/lib/keyramp/store",
}

with DAG(
    dag_id="keyramp",
    schedule="7 6 * * *",
    start_date=datetime(2026, 11, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=10)},
) as dag:
    pull = BashOperator(
        task_id="pull",
        env=ENV,
        append_env=True,
        bash_command="keyramp pull --since 7d --max-duration 50m --no-progress --map-exit 6=99",
        skip_on_exit_code=99,
    )
    decide = BashOperator(
        task_id="decide",
        env=ENV,
        append_env=True,
        bash_command="keyramp decide --exit-code --map-exit 10=99,11=0 --format table",
        skip_on_exit_code=99,
        retries=0,
    )
    hand_over = BashOperator(
        task_id="hand_over",
        env=ENV,
        append_env=True,
        bash_command="keyramp decide --exit-code --emit json --output /var/lib/keyramp/next.json",
        retries=0,
    )
    pull >> decide >> hand_over
