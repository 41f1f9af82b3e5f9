"""A Kubernetes to test on, behind one small interface: `base.Cluster`.

`own` is a real Kubernetes of several nodes on one bare Linux machine; `kind` is the same on a Docker daemon. Only
`choice` knows both.
"""
