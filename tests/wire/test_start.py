"""Starting when something is in the way: the broker says what, and what to do about it, and ends."""

import os
import re
import shutil
import subprocess

import pytest

from harness.broker import ANSI, Taffrail, free_port
from harness.paths import TAFFRAIL_BIN

pytestmark = [pytest.mark.process, pytest.mark.taffrail]


def start_in_vain(port, data, binary=TAFFRAIL_BIN, **how):
    """Runs `taffrail dev` to its end, which has to be a failure, and returns what it said."""
    done = subprocess.run([str(binary), "dev", "--port", str(port), "--data", str(data)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, check=False, **how)
    said = ANSI.sub("", done.stdout + done.stderr)
    assert done.returncode not in (0, 101), said
    assert "panicked" not in said, said
    return said


def test_a_port_that_is_taken_names_its_holder_and_the_way_out(broker, folder):
    said = start_in_vain(broker.port, folder / "data")
    assert re.search(rf"\b{broker.process.pid}\b", said), said
    assert str(broker.port) in said and "--port" in said, said


def test_a_second_process_on_the_same_directory_names_the_first(broker):
    said = start_in_vain(free_port(), broker.data)
    assert re.search(rf"\b{broker.process.pid}\b", said), said
    assert str(broker.data) in said, said
    assert broker.is_running()


def test_a_read_only_directory(folder):
    """As a user who may not write there: root may write anywhere."""
    binary = folder / "taffrail"
    shutil.copy(TAFFRAIL_BIN, binary)
    data = folder / "data"
    data.mkdir(mode=0o555)
    nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    said = start_in_vain(free_port(), data, binary, cwd=folder, **nobody)
    assert str(data) in said and re.search("permission|read-only|writ", said.lower()), said


def test_a_directory_that_is_a_file(folder):
    data = folder / "data"
    data.write_text("not a directory")
    assert str(data) in start_in_vain(free_port(), data)
    assert data.read_text() == "not a directory"


def test_a_directory_of_another_cluster_is_left_alone(folder):
    data = folder / "data"
    data.mkdir()
    foreign = "version=1\ncluster.id=AAAAAAAAAAAAAAAAAAAAAA\nnode.id=777\ndirectory.id=BBBBBBBBBBBBBBBBBBBBBA\n"
    (data / "meta.properties").write_text(foreign)
    said = start_in_vain(free_port(), data)
    assert "node.id" in said and "777" in said, said
    assert (data / "meta.properties").read_text() == foreign


def test_a_damaged_meta_properties(folder):
    data = folder / "data"
    data.mkdir()
    (data / "meta.properties").write_text("version=1\nnode.id=one\n")
    assert "meta.properties" in start_in_vain(free_port(), data)


def test_a_bare_command_prints_help():
    shown = subprocess.run([str(TAFFRAIL_BIN)], capture_output=True, text=True, timeout=60, check=False)
    said = shown.stdout + shown.stderr
    for command in ("dev", "server", "storage", "topic", "produce", "consume", "group", "version"):
        assert re.search(rf"^\s+{command}\b", said, re.MULTILINE), said


def test_the_greeting_names_address_folder_and_what_it_lacks(folder):
    running = Taffrail(folder)
    try:
        running.start()
        said = running.log_text()
    finally:
        running.dispose()
    assert str(running.port) in said and str(running.data) in said and "no TLS" in said, said
