# %% [markdown]
# # A tour of toxic combinations
#
# The sample company, asked which rights together are more than each of them: who holds both halves of a deed that takes two people,
# by which way, and what would undo it.

# %%
from graphsvc.notebook import Estate

estate = Estate.sample()
estate.findings()[["severity", "pattern", "identities", "such as"]]

# %% [markdown]
# Each row is one finding: everybody who holds the same rights by the same permissions. One of them as a picture:

# %%
estate.combinations("dora", "held-vendor-and-payment")

# %% [markdown]
# Where can Dora get to that is worth something?

# %%
reach = estate.paths("dora")
print(reach.explained)
reach

# %% [markdown]
# And what would be gone without one grant of hers?

# %%
estate.what_if(remove=["role:accounts-payable -GRANTED-> permission:approve-payments"])[
    ["change", "identity", "pattern"]
]
