"""What the product does on a real Kubernetes, each scenario in namespaces of its own.

The files are by subject and the tests by behaviour; the numbers in their descriptions are those of the plan of scenarios.
What scenarios share is in `conftest.py` (fixtures), `resources.py` (manifests), `kafka_cluster.py` (a cluster under test),
`installation.py` (the operator as Helm installed it) and `report.py` (figures, which are shown and never asserted).
"""
