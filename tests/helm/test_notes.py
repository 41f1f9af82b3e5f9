"""NOTES.txt: the commands after an install name what was installed."""

import re
import shutil
import tempfile
import unittest
from pathlib import Path

from chart import CHART, KUBERNETES, ROOT, helm, read


def notes(*arguments, release="taffrail"):
    """What `helm install` prints at its end. Helm renders that for a cluster only; a copy of the chart has it as an object."""
    with tempfile.TemporaryDirectory() as scratch:
        chart = Path(shutil.copytree(CHART, f"{scratch}/taffrail"))
        text = (chart / "templates/NOTES.txt").read_text()
        (chart / "templates/shown.yaml").write_text(
            '{{ define "notes" }}' + text + '{{ end }}notes: |{{ include "notes" . | nindent 2 }}'
        )
        options = ["--namespace", "harbour", "--kube-version", KUBERNETES[0], "--show-only", "templates/shown.yaml"]
        run = helm("template", release, chart, *options, *arguments)
    assert run.returncode == 0, run.stderr
    return read(run.stdout)[0]["notes"]


class Notes(unittest.TestCase):
    def test_the_commands_name_the_deployment_and_its_namespace(self):
        text = notes(release="prod")
        self.assertIn("It looks after every namespace.", text)
        self.assertIn("kubectl -n harbour rollout status deployment/prod-taffrail-operator", text)

    def test_the_quickstart_goes_where_the_operator_looks(self):
        text = notes("--set", "watchNamespaces={orders,payments}")
        self.assertIn("It looks after orders, payments.", text)
        applied = re.search(r"^kubectl -n orders apply -f - <<'END'\n(.*?)\nEND$", text, re.M | re.S)
        self.assertEqual(read(applied[1]), read((ROOT / "manifests/quickstart.yaml").read_text()))
        self.assertIn("kubectl -n harbour apply", notes("--set", "rbac.scope=Namespaced"))

    def test_what_becomes_of_the_crds(self):
        self.assertIn("`helm uninstall` leaves the CRDs", notes())
        self.assertNotIn("leaves the CRDs", notes("--set", "crds.keep=false"))
        self.assertIn("the CRDs have to be there already", notes("--set", "crds.install=false"))
