"""What the operator and Kubernetes' own roles may do, as a table: a right more or less has to be changed here as well."""

import unittest

from chart import CASES, of_kind, read, render

READ = "get list watch"
MAKE = "get list watch create patch delete"
RESOURCES = ["kafkaclusters", "topics", "kafkausers", "rebalances"]

IN_A_NAMESPACE = {
    **{f"taffrail.io/{resource}": READ for resource in RESOURCES},
    **{f"taffrail.io/{resource}/status": "get patch update" for resource in RESOURCES},
    "/pods": "get list watch delete",
    "/services": MAKE,
    "/configmaps": MAKE,
    "/serviceaccounts": MAKE,
    # No right to delete: no mistake of the operator's can cost data.
    "/persistentvolumeclaims": "get list watch create patch",
    "apps/statefulsets": MAKE,
    "policy/poddisruptionbudgets": MAKE,
    "networking.k8s.io/networkpolicies": MAKE,
    "events.k8s.io/events": "create patch",
}
EVERYWHERE = IN_A_NAMESPACE | {"/namespaces": READ}
LEASE = {"coordination.k8s.io/leases": "get create update patch"}
VIEW = {f"taffrail.io/{resource}": READ for resource in RESOURCES} | {
    f"taffrail.io/{resource}/status": "get" for resource in RESOURCES
}
EDIT = {f"taffrail.io/{resource}": "create update patch delete deletecollection" for resource in RESOURCES}


def rights(role):
    """group/resource -> verbs; fails when a rule says something twice or limits itself by name."""
    found = {}
    for rule in role["rules"]:
        assert set(rule) == {"apiGroups", "resources", "verbs"}, rule
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                assert f"{group}/{resource}" not in found, rule
                found[f"{group}/{resource}"] = " ".join(rule["verbs"])
    return found


def roles(objects):
    """(kind, namespace, name) -> rights"""
    return {
        (role["kind"], role["metadata"].get("namespace"), role["metadata"]["name"]): rights(role)
        for role in of_kind(objects, "Role") + of_kind(objects, "ClusterRole")
    }


class Rights(unittest.TestCase):
    maxDiff = None

    def check(self, values, expected):
        self.assertEqual(roles(read(render(values=values))), expected)

    def test_cluster_wide(self):
        self.check(
            {"watchNamespaces": ["orders"]},
            {
                ("ClusterRole", None, "taffrail-operator"): EVERYWHERE,
                ("ClusterRole", None, "taffrail-view"): VIEW,
                ("ClusterRole", None, "taffrail-edit"): EDIT,
                ("Role", "taffrail-system", "taffrail-operator-lease"): LEASE,
            },
        )

    def test_namespaced(self):
        self.check(
            {"rbac": {"scope": "Namespaced", "aggregateRoles": False}, "watchNamespaces": ["orders", "payments"]},
            {
                ("Role", "orders", "taffrail-operator"): IN_A_NAMESPACE,
                ("Role", "payments", "taffrail-operator"): IN_A_NAMESPACE,
                ("Role", "taffrail-system", "taffrail-operator-lease"): LEASE,
            },
        )

    def test_namespaced_means_the_own_namespace_unless_told(self):
        self.check(
            {"rbac": {"scope": "Namespaced", "aggregateRoles": False}, "leaderElection": {"enabled": False}},
            {("Role", "taffrail-system", "taffrail-operator"): IN_A_NAMESPACE},
        )

    def test_no_right_at_all(self):
        self.check({"rbac": {"create": False}}, {})

    def test_every_role_is_bound_to_the_operator_only(self):
        for case in CASES:
            objects = read(render("--values", case))
            account = {
                "kind": "ServiceAccount",
                "namespace": "taffrail-system",
                "name": of_kind(objects, "Deployment")[0]["spec"]["template"]["spec"]["serviceAccountName"],
            }
            bound = set()
            for binding in of_kind(objects, "RoleBinding") + of_kind(objects, "ClusterRoleBinding"):
                self.assertEqual(binding["subjects"], [account])
                self.assertEqual(binding["kind"], binding["roleRef"]["kind"] + "Binding")
                role = binding["roleRef"]
                bound.add((role["kind"], binding["metadata"].get("namespace"), role["name"]))
            aggregated = {
                ("ClusterRole", None, role["metadata"]["name"])
                for role in of_kind(objects, "ClusterRole")
                if any("/aggregate-to-" in label for label in role["metadata"]["labels"])
            }
            self.assertEqual(bound, set(roles(objects)) - aggregated, case.name)
