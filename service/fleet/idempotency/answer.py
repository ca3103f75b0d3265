import base64
import json
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a request, as it is sent again."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a key: the body it came with, and the answer once there is one."""

    fingerprint: str
    answer: Answer | None = None

    def encode(self) -> bytes:
        """Return the record as Redis keeps it."""
        content: dict[str, object] = {"fingerprint": self.fingerprint}
        if self.answer is not None:
            body = base64.b64encode(self.answer.body).decode()
            content["answer"] = {"status": self.answer.status, "body": body, "headers": self.answer.headers}
        return json.dumps(content).encode()

    @classmethod
    def decode(cls, encoded: bytes) -> "Record":
        """Return the record that `encode` made."""
        content = json.loads(encoded)
        answer = content.get("answer")
        if answer is None:
            return cls(content["fingerprint"])
        body = base64.b64decode(answer["body"])
        return cls(content["fingerprint"], Answer(answer["status"], body, answer["headers"]))
