"""Faults of a release under load, and what its clients saw of them: `make chaos APP=app.yaml`.

`tests/chaos` does the same, and more, to releases of the users API that it installs itself.
"""
