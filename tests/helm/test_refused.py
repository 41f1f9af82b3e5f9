"""Values that are wrong are refused, with a message that names them: refused.yaml has them."""

import shutil
import tempfile
import unittest

from chart import CHART, HERE, helm, read, template


class Refused(unittest.TestCase):
    def test_wrong_values_are_refused_by_name(self):
        for case in read((HERE / "refused.yaml").read_text())[0]:
            with self.subTest(case["wrong"]):
                run = template(values=case["values"])
                self.assertNotEqual(run.returncode, 0, "rendered")
                for words in case["says"]:
                    self.assertIn(words, run.stderr)

    def test_an_older_kubernetes_is_refused(self):
        run = template(kubernetes="1.28.15")
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("requires kubeVersion", run.stderr)

    def test_a_chart_without_its_crds_says_so(self):
        with tempfile.TemporaryDirectory() as scratch:
            chart = shutil.copytree(CHART, f"{scratch}/taffrail", ignore=shutil.ignore_patterns("crds"))
            run = helm("template", "taffrail", chart, "--kube-version", "1.30")
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("the chart has no files/crds/*.yaml", run.stderr)
