"""The plain manifests: the chart's render, and nothing in them that only Helm understands."""

import subprocess
import sys
import unittest

from chart import ROOT, of_kind, read

INSTALLS = ["install.yaml", "install-namespaced.yaml"]


def objects(name):
    return read((ROOT / "manifests" / name).read_text())


class Manifests(unittest.TestCase):
    def test_everything_made_from_something_else_is_up_to_date(self):
        run = subprocess.run([sys.executable, ROOT / "helm/render", "--check"], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_the_namespace_comes_first(self):
        for name in INSTALLS:
            first, *others = objects(name)
            self.assertEqual(first["kind"], "Namespace")
            named = {each["metadata"].get("namespace", "taffrail-system") for each in others}
            self.assertEqual(named, {first["metadata"]["name"]})

    def test_the_namespaced_one_has_nothing_beyond_its_namespace(self):
        kinds = {each["kind"] for each in objects("install-namespaced.yaml")}
        self.assertFalse({"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"} & kinds)
        pod = of_kind(objects("install-namespaced.yaml"), "Deployment")[0]["spec"]["template"]["spec"]
        self.assertIn("--watch-namespaces=taffrail-system", pod["containers"][0]["args"])

    def test_no_trace_of_helm(self):
        for name in INSTALLS:
            for each in objects(name):
                metadata = each["metadata"]
                for key, value in (metadata.get("labels", {}) | metadata.get("annotations", {})).items():
                    self.assertNotIn("helm", f"{key}: {value}".lower())

    def test_resources_of_ours_name_no_namespace(self):
        # They go where kubectl is set to go.
        for path in [ROOT / "manifests/quickstart.yaml", *(ROOT / "manifests/examples").glob("*.yaml")]:
            for each in read(path.read_text()):
                self.assertNotIn("namespace", each["metadata"], path.name)

    def test_what_is_not_acted_on_yet_says_so(self):
        for path in (ROOT / "manifests/examples").glob("*.yaml"):
            later = {"KafkaUser", "Rebalance"} & {each["kind"] for each in read(path.read_text())}
            self.assertEqual(bool(later), "NotImplemented" in path.read_text(), path.name)
