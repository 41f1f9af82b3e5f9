"""Every object against the schemas of every supported Kubernetes, and every resource of ours against the CRDs."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from chart import CASES, HERE, KUBERNETES, ROOT, read, render

# An extension of somebody else's, whose schema isn't Kubernetes' own.
WITHOUT_SCHEMA = "PodMonitor"


def write_kubernetes_schemas(folder, version):
    """Kubeconform's layout: a file for each kind, which points into one with all definitions."""
    text = (HERE / f"schemas/v{version}.json").read_text()
    (folder / "definitions.json").write_text(text)
    for name in json.loads(text)["definitions"]:
        *_, group, api, kind = name.split(".")
        suffix = api if group == "core" else f"{group}-{api}"
        (folder / f"{kind.lower()}-{suffix}.json").write_text(
            json.dumps({"$ref": f"definitions.json#/definitions/{name}"})
        )


def closed(schema):
    """A schema of a CRD as a JSON schema that leaves no room for unknown fields, as strict validation does."""
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["string", "number"], **{key: schema[key] for key in ("pattern",) if key in schema}}
    kept = {key: value for key, value in schema.items() if not key.startswith("x-kubernetes-") and key != "description"}
    if kept.pop("nullable", False) and "type" in kept:
        kept["type"] = [kept["type"], "null"]
        if "enum" in kept:
            kept["enum"] = [*kept["enum"], None]
    if "items" in kept:
        kept["items"] = closed(kept["items"])
    if "properties" in kept:
        kept["properties"] = {name: closed(value) for name, value in kept["properties"].items()}
        kept["additionalProperties"] = schema.get("x-kubernetes-preserve-unknown-fields", False)
    elif isinstance(kept.get("additionalProperties"), dict):
        kept["additionalProperties"] = closed(kept["additionalProperties"])
    return kept


def our_schemas():
    """Kubeconform's name of a file -> the schema in it."""
    schemas = {}
    for path in (ROOT / "crds").glob("*.yaml"):
        spec = read(path.read_text())[0]["spec"]
        for version in spec["versions"]:
            schema = closed(version["schema"]["openAPIV3Schema"])
            schema["properties"] |= {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {}}
            group = spec["group"].partition(".")[0]
            schemas[f"{spec['names']['kind'].lower()}-{group}-{version['name']}.json"] = json.dumps(schema)
    return schemas


class Versions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schemas = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.schemas)
        ours = our_schemas()
        for version in KUBERNETES:
            (cls.schemas / version).mkdir()
            write_kubernetes_schemas(cls.schemas / version, version)
            for name, schema in ours.items():
                (cls.schemas / version / name).write_text(schema)

    def kubeconform(self, version, *files, stdin=None):
        """Asks whether each object is one that this version of Kubernetes takes; without files, those of `stdin`."""
        schemas = f"{self.schemas}/{version}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
        command = [os.environ["KUBECONFORM"], "-strict", "-skip", WITHOUT_SCHEMA, "-schema-location", schemas, *files]
        return subprocess.run(command, input=stdin, capture_output=True, text=True)

    def conform(self, version, *files):
        run = self.kubeconform(version, *files)
        self.assertEqual(run.returncode, 0, f"Kubernetes {version}:\n{run.stdout}{run.stderr}")

    def test_the_chart_supports_what_it_says(self):
        chart = (ROOT / "helm/taffrail/Chart.yaml").read_text()
        self.assertIn(f'kubeVersion: ">={KUBERNETES[0]}.0-0"', chart)
        self.assertEqual([int(version[2:]) for version in KUBERNETES], list(range(29, 29 + len(KUBERNETES))))

    def test_every_case_fits_every_version(self):
        for version in KUBERNETES:
            with self.subTest(version), tempfile.TemporaryDirectory() as folder:
                for case in CASES:
                    Path(folder, case.name).write_text(render("--values", case, kubernetes=version))
                self.conform(version, folder)

    def test_every_manifest_fits_every_version(self):
        for version in KUBERNETES:
            with self.subTest(version):
                self.conform(version, ROOT / "manifests")

    def test_the_check_finds_what_is_wrong(self):
        # Proof that the schemas are looked at: a field too many, a kind too new, a wrong type, a resource of ours.
        quickstart = (ROOT / "manifests/quickstart.yaml").read_text()
        for wrong in (
            render().replace("revisionHistoryLimit:", "revisionHistoryLimits:"),
            render().replace("replicas: 1", "replicas: one"),
            render().replace("apiVersion: apps/v1", "apiVersion: apps/v2"),
            quickstart.replace("partitions: 3", "partition: 3"),
            quickstart.replace("[Controller, Broker]", "[Controller, Skipper]"),
        ):
            self.assertNotEqual(self.kubeconform(KUBERNETES[0], stdin=wrong).returncode, 0, wrong)
