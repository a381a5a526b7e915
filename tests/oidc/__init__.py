"""Login at a certified OpenID Connect provider that runs here."""
