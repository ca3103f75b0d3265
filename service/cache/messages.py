from typing import NamedTuple

HELLO = b"hello"
BYE = b"bye"


class Written(NamedTuple):
    """A write, and who tells of it; with a number if they wait until it was heard."""

    sender: bytes
    number: int | None
    key: str
    version: int

    def encode(self) -> bytes:
        """As it is published."""
        sender = self.sender if self.number is None else b"%s.%d" % (self.sender, self.number)
        return b"%s:%s:%d" % (sender, self.key.encode(), self.version)


class Presence(NamedTuple):
    """A process that listens from now on, or does no more."""

    sender: bytes
    listens: bool

    def encode(self) -> bytes:
        """As it is published."""
        return b"%s:%s" % (self.sender, HELLO if self.listens else BYE)


class Answer(NamedTuple):
    """Who has applied which messages of the process that is told of it."""

    sender: bytes
    numbers: list[int]

    def encode(self) -> bytes:
        """As it is published."""
        return b"%s:%s" % (self.sender, b",".join(b"%d" % number for number in self.numbers))


def parse(data: bytes) -> Written | Presence | None:
    """Return what was said to all; None where no release says so."""
    sender, _, said = data.partition(b":")
    if said in (HELLO, BYE):
        return Presence(sender, said == HELLO)
    sender, _, number = sender.partition(b".")
    key, _, version = said.rpartition(b":")
    if not key or not version.isdigit():
        return None
    return Written(sender, int(number) if number.isdigit() else None, key.decode(), int(version))


def parse_answer(data: bytes) -> Answer:
    """Return what was said to one process."""
    sender, _, numbers = data.partition(b":")
    return Answer(sender, [int(number) for number in numbers.split(b",") if number.isdigit()])
