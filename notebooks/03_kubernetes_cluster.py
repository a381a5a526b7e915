# %% [markdown]
# # A Kubernetes cluster
#
# The manifests of kube-prometheus and of ingress-nginx, read as one cluster: who may become whom, and what a pod can reach.

# %%
import os
from pathlib import Path

from graphsvc.notebook import Estate

folder = Path(os.environ["GRAPHSVC_REAL_DATA"]) / "kubernetes"
estate = Estate.kubernetes(*sorted(folder.glob("*.yaml")), cluster="prod")
{
    name: estate.report[name]
    for name in ("service_accounts", "roles", "cluster_roles", "bindings", "workloads", "rules_dangerous")
}

# %%
estate.findings()[["severity", "pattern", "identities", "such as"]]

# %% [markdown]
# A picture of what was found:

# %%
estate.combinations()

# %% [markdown]
# How far does the operator get?

# %%
operator = "k8s:prod:system:serviceaccount:monitoring:prometheus-operator"
estate.blast_radius(operator).head(12)
