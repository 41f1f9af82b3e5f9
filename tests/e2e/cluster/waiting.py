"""Polling with a deadline. A limit is a guard against hanging and never an assertion about speed."""

import time


class TimedOut(AssertionError):
    """Something that had to become true did not."""


def eventually(probe, timeout=60, interval=0.1, message=None):
    """Calls `probe` until it gives something true, and returns that.

    An exception of the probe counts as "not yet"; the last one is part of the error if the time runs out.
    """
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            last = probe()
            if last:
                return last
        except Exception as error:
            last = error
        if time.monotonic() >= deadline:
            what = message() if callable(message) else message
            raise TimedOut(
                f"not within {timeout} s: {what or getattr(probe, '__name__', 'the condition')}; last: {last!r}"
            )
        time.sleep(interval)
