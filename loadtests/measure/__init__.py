"""What the load tests measure with: an open load and every answer to it, the release's pods, and Prometheus."""

from loadtests.measure.answers import Answer, Answers, Second
from loadtests.measure.load import READ, Load, Request, Stage, open_load
from loadtests.measure.prometheus import Prometheus, Sample
from loadtests.measure.recorder import Moment, ReleaseRecorder
from loadtests.measure.release import Autoscaler, Event, Pod, Release

__all__ = [
    "READ",
    "Answer",
    "Answers",
    "Autoscaler",
    "Event",
    "Load",
    "Moment",
    "Pod",
    "Prometheus",
    "Release",
    "ReleaseRecorder",
    "Request",
    "Sample",
    "Second",
    "Stage",
    "open_load",
]
