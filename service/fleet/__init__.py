"""What an HTTP application needs to run as replicas that come and go. It knows nothing of users.

Imports in here are relative, as this is `service.fleet` in the repository and `fleet` in the wheel.
"""
