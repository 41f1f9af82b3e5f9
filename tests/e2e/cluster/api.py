"""A small client of the Kubernetes API: requests, watches, and where a kind's objects live.

It opens its connections in a network namespace of the caller's choice, and one call costs milliseconds where starting
kubectl costs a large part of a second. It is no substitute for kubectl where a user would type kubectl.
"""

import base64
import http.client
import json
import ssl
import tempfile
import threading
import urllib.parse
from pathlib import Path

import yaml

from .network import entered

_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


class ApiError(Exception):
    """The API server answered with an error."""

    def __init__(self, method, path, status, message):
        self.status = status
        super().__init__(f"{method} {path}: {status} {message}")


class Api:
    """One API server, as one user. Threads may share it: each has a connection of its own."""

    def __init__(self, kubeconfig, namespace=None, timeout=30):
        config = yaml.safe_load(Path(kubeconfig).read_text())
        cluster = config["clusters"][0]["cluster"]
        user = config["users"][0]["user"]
        server = urllib.parse.urlsplit(cluster["server"])
        self._host, self._port = server.hostname, server.port or 443
        self._namespace = namespace
        self._timeout = timeout
        self._tls = _tls(cluster, user)
        self._local = threading.local()
        self._kinds = {}

    def request(self, method, path, body=None, content_type="application/json", raw=False, **query):
        """Sends one request; gives the decoded object, or the text when `raw`."""
        target = path + ("?" + urllib.parse.urlencode(query) if query else "")
        payload = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
        headers = {"Accept": "*/*" if raw else "application/json", "Content-Type": content_type}
        answer, data = self._exchange(method, target, payload, headers)
        if answer.status >= 400:
            raise ApiError(method, target, answer.status, _message(data))
        return data.decode(errors="replace") if raw else json.loads(data or b"{}")

    def stream(self, path, **query):
        """Yields the lines of an answer that goes on: a watch, or a log that is followed. It has its own connection."""
        target = path + "?" + urllib.parse.urlencode(query)
        connection = self._connect(timeout=None if "follow" in query else 330)
        try:
            connection.request("GET", target)
            answer = connection.getresponse()
            if answer.status >= 400:
                raise ApiError("GET", target, answer.status, _message(answer.read()))
            while line := answer.readline():
                yield line.decode(errors="replace").rstrip("\n")
        finally:
            connection.close()

    def watch(self, path, resource_version):
        """Yields (type, object) from a resource version on, until the server ends the watch."""
        lines = self.stream(path, watch="true", resourceVersion=resource_version, timeoutSeconds=300)
        for line in lines:
            event = json.loads(line)
            if event["type"] == "ERROR":
                raise ApiError("WATCH", path, event["object"].get("code", 0), event["object"].get("message", ""))
            yield event["type"], event["object"]

    def path(self, kind, namespace=None, name=None):
        """The path of a kind's objects, or of one of them. `kind` is a kind, a plural, a singular or a short name."""
        prefix, plural, namespaced = self._resource(kind)
        parts = [prefix]
        if namespaced and namespace is not None:
            parts.append(f"namespaces/{namespace}")
        parts.append(plural)
        if name is not None:
            parts.append(name)
        return "/".join(parts)

    def get(self, kind, name, namespace=None):
        """One object."""
        return self.request("GET", self.path(kind, namespace, name))

    def list(self, kind, namespace=None, **query):
        """The objects of a kind, in one namespace or in all."""
        return self.request("GET", self.path(kind, namespace), **query)["items"]

    def is_ready(self):
        """Whether the API server says that it is ready."""
        try:
            return self.request("GET", "/readyz", raw=True) == "ok"
        except (ApiError, OSError, http.client.HTTPException):
            return False

    def _resource(self, kind):
        name = kind.lower()
        if name not in self._kinds:
            self._discover()
        if name not in self._kinds:
            raise LookupError(f"the API server knows no kind {kind!r}")
        return self._kinds[name]

    def _discover(self):
        found = {}
        for root in ("/apis", "/api"):  # the core group last: its names win
            answer, data = self._exchange("GET", root, None, {"Accept": _DISCOVERY})
            if answer.status >= 400:
                raise ApiError("GET", root, answer.status, _message(data))
            for group in json.loads(data)["items"]:
                group_name = group["metadata"].get("name", "")
                for version in reversed(group["versions"]):  # the preferred one last
                    prefix = f"/apis/{group_name}/{version['version']}" if group_name else f"/api/{version['version']}"
                    for resource in version.get("resources", []):
                        place = (prefix, resource["resource"], resource["scope"] == "Namespaced")
                        words = [
                            resource["resource"],
                            resource.get("singularResource"),
                            *resource.get("shortNames", []),
                        ]
                        words.append(resource.get("responseKind", {}).get("kind"))
                        found.update({word.lower(): place for word in words if word})
        self._kinds = found

    def _exchange(self, method, target, payload, headers):
        """One request on the thread's connection; a connection that the server closed while idle is made anew once."""
        for fresh in (False, True):
            connection = None if fresh else getattr(self._local, "connection", None)
            reused = connection is not None
            if not reused:
                connection = self._local.connection = self._connect(self._timeout)
            try:
                connection.request(method, target, body=payload, headers=headers)
                answer = connection.getresponse()
                return answer, answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                self._local.connection = None
                if not reused:
                    raise
        raise AssertionError("unreachable: the second attempt returns or raises")

    def _connect(self, timeout):
        connection = http.client.HTTPSConnection(self._host, self._port, context=self._tls, timeout=timeout)
        with entered(self._namespace):
            connection.connect()
        return connection


def _tls(cluster, user):
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    # openssl's own authorities carry no key usage that the newest checks ask for in every chain.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    with tempfile.NamedTemporaryFile() as pair:
        for part in ("client-certificate-data", "client-key-data"):
            pair.write(base64.b64decode(user[part]))
        pair.flush()
        context.load_cert_chain(pair.name)
    return context


def _message(data):
    try:
        return json.loads(data)["message"]
    except (ValueError, KeyError, TypeError):
        return data.decode(errors="replace")[:500]
