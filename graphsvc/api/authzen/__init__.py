"""AuthZEN Authorization API 1.0 (OpenID Foundation): evaluation, search, metadata, access requests."""
