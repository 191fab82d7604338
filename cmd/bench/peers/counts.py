"""Counts with Python's own json: python3 counts.py FILE..."""

import json
import sys
from collections import Counter

seen, counts = set(), Counter()
for path in sys.argv[1:]:
    with open(path, "rb") as lines:
        for line in lines:
            event = json.loads(line)
            if event["log_id"] in seen:
                continue
            seen.add(event["log_id"])
            experiment = (event.get("details") or {}).get("experiment") or {}
            counts[experiment.get("experiment_id", ""), experiment.get("variation_id", ""), event["type"]] += 1
for group, n in counts.items():
    print(*group, n, sep="\t")
