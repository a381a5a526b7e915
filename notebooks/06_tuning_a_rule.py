# %% [markdown]
# # Tuning a rule by replay
#
# How many reads in ten minutes are too many? The same history under several thresholds, before anybody is refused anything.

# %%
import json
import random
import tempfile
from pathlib import Path

import pandas as pd

from graphsvc.notebook import graphsvc

work = Path(tempfile.mkdtemp())
pick = random.Random(7)
lines, minute = [], 0
for number in range(400):
    # Clerks read a record now and then; a thief reads everything in a quarter of an hour.
    thief = 200 <= number < 260
    minute += 0 if thief else pick.choice([0, 1, 2])
    who = "mallory" if thief else pick.choice(["ann", "ben", "cleo"])
    second = number % 60
    lines.append(
        {
            "type": "action",
            "id": f"e{number}",
            "at": f"2026-11-{2 + minute // 480:02}T{8 + minute // 60 % 8:02}:{minute % 60:02}:{second:02}Z",
            "chain": f"{who}-{minute // 480}",
            "subject": {"type": "human", "id": who},
            "action": {"name": "crm:Read"},
            "resource": {"type": "record", "id": f"r{number if thief else pick.randrange(40)}"},
        }
    )
(work / "trace.jsonl").write_text("\n".join(map(json.dumps, lines)))
len(lines)

# %%
RULE = """graphsvc: 1
pack: {{id: reads}}
settings: {{entitlement: "off"}}
actions: {{"crm:Read": {{effects: [read]}}}}
patterns:
  - id: mass-read
    title: Reads more records in ten minutes than work needs
    severity: high
    on_match: deny
    scope: principal
    within: 10m
    count: {{step: {{action: "crm:Read"}}, distinct: resource.id, more_than: {limit}}}
"""
rows = []
for limit in (2, 5, 10, 20, 40):
    rule = work / f"reads-{limit}.yaml"
    rule.write_text(RULE.format(limit=limit))
    verdicts = graphsvc("replay", work / "trace.jsonl", "--policy", rule)
    stopped = [
        line["subject"]["id"]
        for line, verdict in zip(lines, verdicts["verdict"], strict=True)
        if verdict == "DENY"
    ]
    rows.append(
        {
            "more than": limit,
            "thief's reads let through": 60 - stopped.count("mallory"),
            "clerks' reads refused": len(stopped) - stopped.count("mallory"),
        }
    )
pd.DataFrame(rows)

# %% [markdown]
# The table is the choice: the smallest limit that refuses no clerk.
