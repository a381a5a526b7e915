# %% [markdown]
# # Verifying an audit export
#
# Decisions are leaves of a Merkle tree whose head is signed. An export proves itself, and a changed line is found.

# %%
import json
import tempfile
from pathlib import Path

from graphsvc.notebook import graphsvc

work = Path(tempfile.mkdtemp())
store = f"sqlite:///{work / 'audit.db'}"
estate, pack = work / "estate.jsonl", work / "pay.yaml"
estate.write_text(
    "\n".join(
        map(
            json.dumps,
            [
                {"node": {"type": "identity", "id": "ann", "kind": "human", "status": "active"}},
                {"node": {"type": "permission", "id": "p", "actions": ["erp:*"], "resources": ["*"]}},
                {"edge": {"type": "GRANTED", "from": "identity:ann", "to": "permission:p"}},
            ],
        )
    )
)
pack.write_text("graphsvc: 1\npack: {id: pay}\n")
graphsvc("import", "jsonl", estate, "--source", "hr", "--store", store)
graphsvc("policy", "publish", pack, "--store", store)
for number in range(3):
    request = work / "request.json"
    request.write_text(
        json.dumps(
            {
                "idempotencyKey": f"k{number}",
                "chain": "c1",
                "subject": {"type": "human", "id": "ann"},
                "action": {"name": "erp:Pay"},
                "resource": {"type": "invoice", "id": f"i{number}"},
            }
        )
    )
    graphsvc("decide", request, "--store", store)

# %%
key = work / "key.txt"
key.write_text(str(graphsvc("audit", "key", "--store", store)))
graphsvc("audit", "export", "-o", work / "evidence", "--store", store)
sorted(path.name for path in (work / "evidence").iterdir())

# %%
verified = str(graphsvc("audit", "verify", work / "evidence", "--key", key.read_text().strip()))
print(verified.splitlines()[-1].partition(",")[0])

# %% [markdown]
# Somebody changes one word in one record:

# %%
records = work / "evidence" / "records.jsonl"
text = records.read_text()
records.write_text(text.replace('"i1"', '"i9"', 1))
assert records.read_text() != text
broken = str(graphsvc("audit", "verify", work / "evidence", "--key", key.read_text().strip(), codes=(1,)))
print(broken.splitlines()[0])
