"""The CRDs of the chart: the generator's text, with labels and annotations put in and nothing else changed."""

import unittest

from chart import CHART, ROOT, of_kind, read, render

NAMES = ["kafkaclusters.taffrail.io", "kafkausers.taffrail.io", "rebalances.taffrail.io", "topics.taffrail.io"]
# `kubectl apply` keeps the whole object in an annotation, and annotations end at 256 KiB.
BYTES_MAX = 150_000


def crds(*arguments):
    return {crd["metadata"]["name"]: crd for crd in of_kind(read(render(*arguments)), "CustomResourceDefinition")}


class Crds(unittest.TestCase):
    def test_all_four_are_there_unless_told_otherwise(self):
        self.assertEqual(sorted(crds()), NAMES)
        self.assertEqual(crds("--set", "crds.install=false"), {})

    def test_they_are_kept_unless_told_otherwise(self):
        for crd in crds().values():
            self.assertEqual(crd["metadata"]["annotations"], {"helm.sh/resource-policy": "keep"})
        for crd in crds("--set", "crds.keep=false").values():
            self.assertNotIn("annotations", crd["metadata"])

    def test_common_labels_and_annotations_reach_them(self):
        for crd in crds("--set", "commonLabels.a=b", "--set", "commonAnnotations.c=d").values():
            self.assertEqual(crd["metadata"]["labels"]["a"], "b")
            self.assertEqual(crd["metadata"]["annotations"]["c"], "d")

    def test_nothing_else_differs_from_the_generated_ones(self):
        rendered = crds()
        for name in NAMES:
            plural, _, group = name.partition(".")
            generated = read((ROOT / f"crds/{group}_{plural}.yaml").read_text())[0]
            for key in ("labels", "annotations"):
                rendered[name]["metadata"].pop(key)
            self.assertEqual(rendered[name], generated)

    def test_the_text_is_taken_over_as_it_is(self):
        # Through YAML and back, a large number would come out as 1e+06 and a long text would be folded anew.
        text = render()
        for path in (CHART / "files/crds").iterdir():
            _, _, spec = path.read_text().partition("\nspec:\n")
            self.assertIn("\nspec:\n" + spec.rstrip(), text, path.name)

    def test_they_are_small_enough_for_kubectl_apply(self):
        for path in (CHART / "files/crds").iterdir():
            self.assertLess(path.stat().st_size, BYTES_MAX, path.name)
