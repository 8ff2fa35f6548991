"""What `--workers auto` stands for."""

import os

import pytest

from sock.server.supervisor.cores import available_cores

pytestmark = pytest.mark.one_form


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of 8 cores, with these files."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)

    def files(**contents):
        for name, content in contents.items():
            path = tmp_path / name.replace("__", "/").replace("DOT", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path

    return files


def test_without_a_quota_all_cores_count_that_the_process_may_run_on(machine):
    assert available_cores(machine()) == 8


def test_the_quota_of_a_container_counts_in_whole_cores(machine):
    root = machine(sys__fs__cgroup__cpuDOTmax="250000 100000\n")
    assert available_cores(root) == 2


def test_a_quota_below_one_core_is_one(machine):
    assert available_cores(machine(sys__fs__cgroup__cpuDOTmax="50000 100000\n")) == 1


def test_the_smallest_quota_of_the_groups_around_the_process_counts(machine):
    root = machine(
        proc__self__cgroup="1:name=systemd:/x\n0::/a/b\n",
        sys__fs__cgroup__a__b__cpuDOTmax="max 100000\n",
        sys__fs__cgroup__a__cpuDOTmax="300000 100000\n",
    )
    assert available_cores(root) == 3


def test_the_quota_of_the_first_version_of_control_groups_counts_too(machine):
    root = machine(
        sys__fs__cgroup__cpu__cpuDOTcfs_quota_us="400000\n".replace("DOT", "."),
        sys__fs__cgroup__cpu__cpuDOTcfs_period_us="100000\n",
    )
    assert available_cores(root) == 4
