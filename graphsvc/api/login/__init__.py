"""Login of people at an OpenID Connect provider: the code flow, and the session in a cookie that comes of it."""
