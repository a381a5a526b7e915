"""Shared Signals: security events from others (OpenID SSF, CAEP, RISC) raise risk, suspend and revoke."""
