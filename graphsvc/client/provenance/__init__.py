"""Where the values of a tool call came from, found inside the process that runs the agent.

`Tracker` is one chain's; `Tools` are the deployer's declarations. See docs/provenance.md.
"""

from graphsvc.client.provenance.mechanism import Mechanism
from graphsvc.client.provenance.tool import Tool, Tools
from graphsvc.client.provenance.tracker import Claim, Told, Tracker

__all__ = ["Claim", "Mechanism", "Told", "Tool", "Tools", "Tracker"]
