from typing import NamedTuple

HELLO = b"hello"
BYE = b"bye"


class Written(NamedTuple):
    """A write and the process that tells of it; with a number if that process waits for answers."""

    sender: bytes
    number: int | None
    key: str
    version: int

    def encode(self) -> bytes:
        """As it is published."""
        sender = self.sender if self.number is None else b"%s.%d" % (self.sender, self.number)
        return b"%s:%s:%d" % (sender, self.key.encode(), self.version)


class Presence(NamedTuple):
    """A process that begins to listen, or ends."""

    sender: bytes
    listens: bool

    def encode(self) -> bytes:
        """As it is published."""
        return b"%s:%s" % (self.sender, HELLO if self.listens else BYE)


class Answer(NamedTuple):
    """Which messages a process has applied; sent to the process that had written them."""

    sender: bytes
    numbers: list[int]

    def encode(self) -> bytes:
        """As it is published."""
        return b"%s:%s" % (self.sender, b",".join(b"%d" % number for number in self.numbers))


def parse(data: bytes) -> Written | Presence | None:
    """Return a message to all processes; None if no release sends such a message."""
    sender, _, said = data.partition(b":")
    if said in (HELLO, BYE):
        return Presence(sender, said == HELLO)
    sender, _, number = sender.partition(b".")
    key, _, version = said.rpartition(b":")
    if not key or not version.isdigit():
        return None
    return Written(sender, int(number) if number.isdigit() else None, key.decode(), int(version))


def parse_answer(data: bytes) -> Answer:
    """Return a message to one process."""
    sender, _, numbers = data.partition(b":")
    return Answer(sender, [int(number) for number in numbers.split(b",") if number.isdigit()])
