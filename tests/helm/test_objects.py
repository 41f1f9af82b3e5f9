"""What holds for the objects of every case."""

import unittest

from chart import CASES, of_kind, read, render


class Objects(unittest.TestCase):
    def setUp(self):
        self.cases = {case.name: read(render("--values", case)) for case in CASES}

    def each(self):
        """Every object, and the words for a failure with it."""
        for name, objects in self.cases.items():
            for found in objects:
                yield found, f"{name}: {found['kind']} {found['metadata']['name']}"

    def test_all_carry_the_recommended_labels(self):
        for found, where in self.each():
            labels = found["metadata"]["labels"]
            for label in ("name", "instance", "version", "component", "part-of", "managed-by"):
                self.assertIn(f"app.kubernetes.io/{label}", labels, where)
            self.assertEqual(labels["app.kubernetes.io/part-of"], "taffrail", where)

    def test_only_what_belongs_to_no_namespace_names_none(self):
        for found, where in self.each():
            without = found["kind"] in ("CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding")
            self.assertNotEqual("namespace" in found["metadata"], without, where)

    def test_names_fit(self):
        long = "r" * 53
        for found in read(render(release=long)):
            self.assertLessEqual(len(found["metadata"]["name"]), 63, found["metadata"]["name"])

    def test_no_two_are_the_same_object(self):
        for name, objects in self.cases.items():
            keys = [(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in objects]
            self.assertEqual(len(keys), len(set(keys)), name)

    def test_the_selector_is_the_one_that_was_released(self):
        # A Deployment's selector is immutable: with another one, `helm upgrade` fails for everybody who has the chart.
        # The operator puts app.kubernetes.io/name into NetworkPolicies as well, to be let in.
        selector = {"app.kubernetes.io/name": "taffrail-operator", "app.kubernetes.io/instance": "taffrail"}
        for name, objects in self.cases.items():
            self.assertEqual(of_kind(objects, "Deployment")[0]["spec"]["selector"], {"matchLabels": selector}, name)

    def test_every_selector_finds_the_pod(self):
        for name, objects in self.cases.items():
            deployment = of_kind(objects, "Deployment")[0]["spec"]
            labels = deployment["template"]["metadata"]["labels"].items()
            selectors = [deployment["selector"]["matchLabels"]]
            selectors += [each["spec"]["selector"] for each in of_kind(objects, "Service")]
            selectors += [each["spec"]["podSelector"]["matchLabels"] for each in of_kind(objects, "NetworkPolicy")]
            for kind in ("PodDisruptionBudget", "PodMonitor"):
                selectors += [each["spec"]["selector"]["matchLabels"] for each in of_kind(objects, kind)]
            for selector in selectors:
                self.assertLessEqual(selector.items(), labels, name)

    def test_the_pod_satisfies_the_restricted_level(self):
        for name, objects in self.cases.items():
            pod = of_kind(objects, "Deployment")[0]["spec"]["template"]["spec"]
            self.assertIs(pod["securityContext"]["runAsNonRoot"], True, name)
            self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"}, name)
            for container in pod["containers"]:
                context = container["securityContext"]
                self.assertIs(context["allowPrivilegeEscalation"], False, name)
                self.assertIs(context["readOnlyRootFilesystem"], True, name)
                self.assertEqual(context["capabilities"], {"drop": ["ALL"]}, name)
            self.assertFalse({"hostNetwork", "hostPID", "hostIPC", "volumes"} & set(pod), name)
