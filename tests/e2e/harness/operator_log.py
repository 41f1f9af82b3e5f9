"""Every line that an operator says, from all of its pods, also of those that die or are deleted meanwhile.

A thread looks for operators' containers and gives each a thread that follows its log. What a container said is also in
`work/logs/operator`.
"""

import contextlib
import http.client
import re
import threading

from cluster.api import ApiError
from cluster.paths import LOGS

IMAGE = "taffrail/operator"
FOLDER = LOGS / "operator"

BAD = re.compile(r"""\bERROR\b|"level":\s*"(?:ERROR|error)"|panicked at|stack backtrace|^\S+: [Ee]rror:""")
_LOOK_SECONDS = 0.3


class OperatorLog:
    """The lines of all operators since `start`, in the order in which they came here."""

    def __init__(self, kubernetes):
        self._api = kubernetes.api
        self._lines = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._followed = set()

    def start(self):
        """Begins to look for operators."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        for old in FOLDER.iterdir():
            old.unlink()
        threading.Thread(target=self._look, daemon=True).start()
        return self

    def stop(self):
        """Ends the search; the followers end with the process."""
        self._over.set()

    def mark(self):
        """A position: the number of lines so far."""
        with self._lock:
            return len(self._lines)

    def since(self, mark=0):
        """The lines since a position, each with its pod's name before it."""
        with self._lock:
            return self._lines[mark:]

    def errors(self, mark=0, allowed=()):
        """The lines since a position that speak of an error or a panic, but for those that match a pattern."""
        patterns = [re.compile(each) for each in allowed]
        return [
            line for line in self.since(mark) if BAD.search(line) and not any(each.search(line) for each in patterns)
        ]

    def _look(self):
        while not self._over.wait(_LOOK_SECONDS):
            # The API server may be away: tests do that.
            with contextlib.suppress(ApiError, OSError, ValueError, http.client.HTTPException):
                for pod in self._api.list("pods"):
                    self._follow_new(pod)

    def _follow_new(self, pod):
        meta = pod["metadata"]
        for status in pod.get("status", {}).get("containerStatuses", []):
            container = status.get("containerID")
            if IMAGE in status["image"] and container and container not in self._followed:
                self._followed.add(container)
                path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/log"
                arguments = (path, status["name"], meta["name"], container)
                threading.Thread(target=self._follow, args=arguments, daemon=True).start()

    def _follow(self, path, name, pod, container):
        """Follows one container to its end. After a break it reads again and leaves out what it has."""
        taken = 0
        ended = False
        with open(FOLDER / f"{pod}-{container[-12:]}.log", "a", encoding="utf-8") as file:
            while not (ended or self._over.is_set()):
                seen = 0
                with contextlib.suppress(OSError, http.client.HTTPException):
                    try:
                        for line in self._api.stream(path, container=name, follow="true"):
                            seen += 1
                            if seen > taken:
                                taken = seen
                                self._take(file, pod, line)
                        ended = not self._runs(path, container)
                    except ApiError as error:
                        ended = error.status == http.client.NOT_FOUND
                self._over.wait(_LOOK_SECONDS)

    def _take(self, file, pod, line):
        file.write(f"{line}\n")
        file.flush()
        with self._lock:
            self._lines.append(f"{pod}: {line}")

    def _runs(self, path, container):
        pod = self._api.request("GET", path.removesuffix("/log"))
        statuses = pod.get("status", {}).get("containerStatuses", [])
        return any(each.get("containerID") == container and "running" in each["state"] for each in statuses)
