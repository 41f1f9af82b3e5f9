"""values.yaml, its schema and the README's table say the same of every value."""

import json
import re
import unittest

from chart import CASES, CHART, ROOT, read

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = read((CHART / "values.yaml").read_text())[0]


def described(schema, prefix=()):
    """Every property of the schema with its path, groups before what is in them."""
    for name, value in schema.get("properties", {}).items():
        yield (*prefix, name), value
        if "default" not in value:
            yield from described(value, (*prefix, name))


def defaults(schema):
    return {
        name: value["default"] if "default" in value else defaults(value)
        for name, value in schema["properties"].items()
        if "default" in value or "properties" in value
    }


def paths(values, schema, prefix=""):
    """The values that a file sets, down to what the schema has a default for."""
    for name, value in values.items():
        property_ = schema["properties"][name]
        if "default" in property_ or "properties" not in property_:
            yield prefix + name
        else:
            yield from paths(value, property_, f"{prefix}{name}.")


class Values(unittest.TestCase):
    def test_the_schema_has_the_defaults_of_values_yaml(self):
        self.maxDiff = None
        self.assertEqual(defaults(SCHEMA), VALUES)

    def test_the_schema_describes_every_value_and_is_closed(self):
        self.assertIs(SCHEMA["additionalProperties"], False)
        for path, value in described(SCHEMA):
            with self.subTest(".".join(path)):
                self.assertRegex(value.get("description", ""), r"^\S.*\.$")
                if "properties" in value:
                    self.assertIs(value["additionalProperties"], False)

    def test_the_readme_lists_every_value_in_the_order_of_the_schema(self):
        table = re.findall(r"^\| `([\w.]+)` \|", (CHART / "README.md").read_text(), re.M)
        self.assertEqual(table, [".".join(path) for path, value in described(SCHEMA) if "default" in value])

    def test_values_yaml_has_a_comment_above_every_group(self):
        for paragraph in (CHART / "values.yaml").read_text().split("\n\n"):
            with self.subTest(paragraph.splitlines()[-1]):
                self.assertIn("# ", paragraph)

    def test_the_cases_set_every_value(self):
        set_somewhere = set()
        for case in CASES:
            set_somewhere.update(paths(read(case.read_text())[0], SCHEMA))
        # The CRDs' two values are set by the tests of the CRDs.
        every = {".".join(path) for path, value in described(SCHEMA) if "default" in value}
        self.assertEqual(every - set_somewhere, {"crds.install", "crds.keep", "securityContext"})

    def test_the_version_is_that_of_the_workspace(self):
        workspace = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.M)[1]
        chart = read((CHART / "Chart.yaml").read_text())[0]
        self.assertEqual((chart["version"], chart["appVersion"]), (workspace, workspace))
