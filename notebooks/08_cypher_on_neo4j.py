# %% [markdown]
# # The same questions in Cypher, on Neo4j
#
# The graph is exported as Cypher statements and read by a real Neo4j (`make neo4j`, or the server that `NEO4J_URL` names; its database must be empty). Two questions are
# asked both ways, and the answers are the same.

# %%
import os
import tempfile
from pathlib import Path

import neo4j
import pandas as pd

from graphsvc.notebook import Estate, graphsvc

work = Path(tempfile.mkdtemp())
store = f"sqlite:///{work / 'g.db'}"
account = Path(os.environ["GRAPHSVC_REAL_DATA"]) / "aws" / "account-large.json"
graphsvc("import", "aws", account, "--source", "aws", "--store", store)
graphsvc("export", "cypher", "-o", work / "graph.cypher", "--store", store)
estate = Estate.aws(account)
driver = neo4j.GraphDatabase.driver(
    os.environ.get("NEO4J_URL", "bolt://127.0.0.1:7687"),
    auth=("neo4j", os.environ["NEO4J_PASSWORD"]) if os.environ.get("NEO4J_PASSWORD") else None,
    notifications_min_severity="OFF",
)
statements = [each for each in (work / "graph.cypher").read_text().split(";\n") if each.strip()]
with driver.session() as session:
    held = session.run("MATCH (n) RETURN count(n) AS nodes").single()["nodes"]
    assert held == 0, f"the database holds {held} nodes: name an empty one with NEO4J_URL"
    for each in statements:
        session.run(each).consume()
    size = session.run("MATCH (n) RETURN count(n) AS nodes").single()["nodes"]
size, len(estate.nodes)

# %% [markdown]
# **To whom does a statement allow creating policy versions, on everything?** By itself or by a group; conditions and denials are not looked at. In
# Cypher over the graph as it is drawn, in Python over the index of rights.

# %%
QUERY = """
MATCH (i:Identity)-[:MEMBER_OF|HAS_ROLE*0..4]->(h)-[:GRANTED]->(p:Permission)
WHERE coalesce(p.effect, 'allow') = 'allow' AND 'iam:CreatePolicyVersion' IN p.actions AND 'aws:*' IN p.resources
RETURN DISTINCT i.id AS identity ORDER BY identity
"""
with driver.session() as session:
    theirs = {row["identity"] for row in session.run(QUERY)}
ours = {
    key.removeprefix("identity:")
    for key in estate.view.identities()
    if any(
        "iam:CreatePolicyVersion" in each.actions and not each.deny and "aws:*" in each.resources
        for each in estate.view.rights.permissions(key)
    )
}
len(theirs), theirs == ours

# %% [markdown]
# **Who in the account can become whom, over trusts alone?** Cypher looks at up to six steps, Python at any number: nothing here is further away.

# %%
REACH = """
MATCH (s:Identity)-[:CAN_ASSUME*1..6]->(e:Identity)
WHERE s.id STARTS WITH 'arn:aws:iam::200611803367:' AND s <> e RETURN DISTINCT s.id AS s, e.id AS e
"""
with driver.session() as session:
    theirs = {(row["s"], row["e"]) for row in session.run(REACH)}


def reach(start: str) -> set[str]:
    seen, queue = set(), [start]
    for node in queue:
        for end in estate.view.estate.out("CAN_ASSUME", node):
            if end not in seen:
                seen.add(end)
                queue.append(end)
    return seen - {start}


ours = {
    (node.key.removeprefix("identity:"), end.removeprefix("identity:"))
    for node in estate.nodes
    if node.key.startswith("identity:arn:aws:iam::200611803367:")
    for end in reach(node.key)
}
driver.close()
pd.DataFrame([{"pairs in Cypher": len(theirs), "pairs in Python": len(ours), "same": theirs == ours}])
