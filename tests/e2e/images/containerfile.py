"""Reads the last stage of a Containerfile, so that what is tested starts as what users build starts."""

import json
import re
from dataclasses import dataclass
from pathlib import Path


class Unreadable(Exception):
    """A Containerfile isn't as this suite expects it."""


@dataclass(frozen=True)
class Stage:
    """What the last stage says about the process that it starts."""

    base: str
    entrypoint: list[str]
    user: str


_INSTRUCTIONS = frozenset({"ARG", "COPY", "ENTRYPOINT", "ENV", "FROM", "LABEL", "RUN", "USER", "WORKDIR"})


def last_stage(path):
    """The base, the entry point and the user of the last stage. An instruction that isn't known is refused."""
    found = {}
    for number, line in _logical_lines(path):
        instruction, _, rest = line.partition(" ")
        if instruction not in _INSTRUCTIONS:
            raise Unreadable(f"{path}:{number}: unknown instruction {instruction!r}")
        if instruction == "FROM":
            found = {}
        found[instruction] = rest.strip()
    try:
        return Stage(found["FROM"], json.loads(found["ENTRYPOINT"]), found["USER"])
    except (KeyError, ValueError) as error:
        raise Unreadable(f"{path}: the last stage needs FROM, ENTRYPOINT in brackets, and USER: {error!r}") from error


def _logical_lines(path):
    """Lines with their continuations and here-documents joined, comments left out, numbered by where they begin."""
    lines = enumerate(Path(path).read_text().splitlines(), 1)
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        whole = line
        while whole.endswith("\\"):
            whole = whole[:-1] + next(lines, (0, ""))[1]
        for mark in re.findall(r"<<-?\s*['\"]?(\w+)['\"]?", whole):
            for _, inner in lines:
                if inner.strip() == mark:
                    break
            else:
                raise Unreadable(f"{path}:{number}: the here-document {mark} has no end")
        yield number, whole
