from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CachedRead:
    """A read of one thing by its number that the caches answer: where, for whom, and from which entry.

    Routes and fast path go by the same one.

    Attributes:
        collection: the path that all such things are under.
        item: what follows for one of them, with a parameter for its number at the end.
        scope: what the token must hold.
        key_prefix: what stands before the number in the name of an entry, in both tiers.
        max_id: the highest number.
    """

    collection: str
    item: str
    scope: str
    key_prefix: str
    max_id: int

    @property
    def route(self) -> str:
        """The whole path, with its parameter."""
        return self.collection + self.item

    @property
    def path_prefix(self) -> str:
        """What stands before the number in a path."""
        return self.route.partition("{")[0]

    def key(self, number: int | str) -> str:
        """Return the name of an entry in both tiers; a number in digits is one without leading zeros."""
        return f"{self.key_prefix}{number}"
