"""Each file of values in cases/ renders as it did: golden/ has the result. `tests/helm/run --update` writes it anew."""

import os
import unittest

from chart import CASES, CHART, HERE, KUBERNETES, helm, read, render

# Another release's name in one case shows how names are derived.
RELEASES = {"namespaced": "prod"}


def rendered(case, **options):
    # Without the CRDs, which are checked by themselves and are long.
    return render(
        "--values", case, "--set", "crds.install=false", release=RELEASES.get(case.stem, "taffrail"), **options
    )


class Golden(unittest.TestCase):
    def test_cases_render_as_committed(self):
        for case in CASES:
            golden = HERE / "golden" / case.name
            with self.subTest(case.name):
                text = rendered(case)
                read(text)
                if os.environ.get("UPDATE"):
                    golden.write_text(text)
                self.maxDiff = None
                self.assertEqual(text, golden.read_text())

    def test_no_golden_is_left_without_its_case(self):
        self.assertEqual([path.name for path in CASES], sorted(path.name for path in (HERE / "golden").iterdir()))

    def test_lint_has_nothing_to_say(self):
        for case in CASES:
            with self.subTest(case.name):
                run = helm("lint", "--strict", "--kube-version", KUBERNETES[0], "--values", case, CHART)
                self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
