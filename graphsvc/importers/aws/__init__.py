"""AWS: account authorization details to identities, groups, permissions and trust."""

from graphsvc.importers.aws.account import read
from graphsvc.importers.aws.companion import Companions
from graphsvc.importers.aws.managed import ManagedPolicies, read_managed_policies

__all__ = ["Companions", "ManagedPolicies", "read", "read_managed_policies"]
