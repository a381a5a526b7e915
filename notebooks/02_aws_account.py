# %% [markdown]
# # A real AWS account, ranked
#
# The dump of `aws iam get-account-authorization-details` that cloudsplaining ships as its example. `GRAPHSVC_REAL_DATA` names the folder
# with it; put your own dump there.

# %%
import os
from pathlib import Path

from graphsvc.notebook import Estate

dump = Path(os.environ["GRAPHSVC_REAL_DATA"]) / "aws" / "account-large.json"
estate = Estate.aws(dump)
{
    name: estate.report[name]
    for name in ("users", "groups", "roles", "statements_inline", "statements_managed", "conditional")
}

# %% [markdown]
# Who holds every right, after boundaries and denials?

# %%
[identity.rpartition(":")[2] for identity in estate.view.identities() if estate.view.has_everything(identity)]

# %% [markdown]
# The findings, the gravest first. `certainty` is `unknown` where a condition or a missing fact decides.

# %%
found = estate.findings()
print(f"{len(found)} findings of {found['identities'].sum()} combinations")
found[["severity", "certainty", "pattern", "gives", "identities"]].head(12)

# %% [markdown]
# One way to every right, in words and as a picture:

# %%
user = "arn:aws:iam::200611803367:user/privesc15-PassExistingRoleToNewLambdaThenInvoke-user"
way = estate.paths(user, "admin")
print(way.explained)
way

# %% [markdown]
# Where do most ways meet?

# %%
points = estate.choke_points()
points["point"] = points["point"].str.replace("identity:arn:aws:iam::", "", regex=False)
points.head(5)
