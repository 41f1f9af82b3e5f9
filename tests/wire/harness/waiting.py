"""Waiting for something to become true. The limit is a guard against hanging, never a measurement."""

import time


class NeverHappened(AssertionError):
    """The condition was still false when patience ended."""


def until(what, condition, patience=60.0, pause=0.05):
    """Returns the first truthy answer of `condition`, asked again and again."""
    deadline = time.monotonic() + patience
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise NeverHappened(f"waited {patience:.0f} s in vain until {what}")
        time.sleep(pause)
