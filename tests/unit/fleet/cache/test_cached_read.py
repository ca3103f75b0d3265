from service.fleet.cache import CachedRead

READ = CachedRead(collection="/api/things", item="/{thing_id}", scope="things:read", key_prefix="things:", max_id=999)


def test_one_description_gives_route_path_and_key() -> None:
    """What the routes register, what paths begin with and what entries are called come from the same words."""
    assert READ.route == "/api/things/{thing_id}"
    assert READ.path_prefix == "/api/things/"
    assert READ.key(7) == READ.key("7") == "things:7"
