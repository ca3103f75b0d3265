# The first seeded user as the service shows it, so that every rival sends as many bytes.
USER = {
    "id": 1,
    "name": "Alan Allen",
    "email": "alan.allen.1@example.com",
    "created_at": "2024-01-01T00:01:00Z",
}
