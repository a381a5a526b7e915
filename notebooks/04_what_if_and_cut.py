# %% [markdown]
# # What if, and the smallest cut
#
# Which grants have to go so that nobody gets to every right, and is there a smaller set? The answer comes with a proof or a bound.

# %%
import os
from pathlib import Path

from graphsvc.notebook import Estate

estate = Estate.aws(Path(os.environ["GRAPHSVC_REAL_DATA"]) / "aws" / "account-large.json")
start = "arn:aws:iam::200611803367:user/"
people = [
    start + name
    for name in (
        "privesc15-PassExistingRoleToNewLambdaThenInvoke-user",
        "privesc16-PassRoleToNewLambdaThenTriggerWithNewDynamo-user",
        "fn3-exploitableConditionConstraint-user",
    )
]
cut = estate.cut("admin", people)
print(cut.explained)
cut

# %% [markdown]
# Without these grants:

# %%
after = estate.without(*cut.frame["remove"])
[len(after.paths(each, "admin").frame) for each in people]

# %% [markdown]
# What one grant more would bring, before anybody gives it:

# %%
policy = next(node.key for node in estate.nodes if "fn2-exploitableResourceConstraint/0" in node.key)
estate.what_if(add=[f"identity:{start}privesc-ssmSendCommand-user -GRANTED-> {policy}"])[
    ["change", "identity", "pattern"]
]

# %% [markdown]
# And the two states compared, as after a week:

# %%
after.compared_with(estate)[["change", "identity", "pattern"]].head(8)
