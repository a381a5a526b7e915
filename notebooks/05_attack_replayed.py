# %% [markdown]
# # An attack from CloudTrail, step by step
#
# A recorded technique (an administrator made for oneself) is read as a chain of actions and played through the engine: each step with
# its verdict, and the step at which it would have been stopped. `GRAPHSVC_REAL_DATA` names the folder with the recording; put your own events there.

# %%
import os
import tempfile
from pathlib import Path

import pandas as pd

from graphsvc.notebook import graphsvc, pack_path

events = Path(os.environ["GRAPHSVC_REAL_DATA"]) / "cloudtrail" / "aws.persistence.iam-create-admin-user.json"
work = Path(tempfile.mkdtemp())
store = f"sqlite:///{work / 'case.db'}"
graphsvc(
    "import", "cloudtrail", events, "--source", "trail", "--trace", work / "trace.jsonl", "--store", store
)
graphsvc("export", "jsonl", "-o", work / "estate.jsonl", "--store", store)
trace = pd.read_json(work / "trace.jsonl", lines=True)
trace["action"] = trace["action"].map(lambda value: value["name"])
trace[["at", "action"]]

# %% [markdown]
# The rules of the pack `cloud`, in the order of the events:

# %%
pack = pack_path("cloud")
verdicts = graphsvc("replay", work / "trace.jsonl", "--policy", pack, "--graph", work / "estate.jsonl")
told = verdicts.assign(action=list(trace["action"]), risk=[each["after"] for each in verdicts["risk"]])
told[["action", "verdict", "completed", "risk"]]

# %% [markdown]
# Everything before the decisive step passes; the step that completes the path is stopped.

# %%
stopped = told[told["verdict"] != "PERMIT"].iloc[0]
print(
    f"stopped at `{stopped['action']}` by {', '.join(stopped['completed']) or ', '.join(stopped['reasons'])}"
)
