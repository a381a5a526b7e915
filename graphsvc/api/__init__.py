"""The doors of the service: GraphQL, routes, authentication."""
