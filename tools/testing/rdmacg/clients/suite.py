# SPDX-License-Identifier: GPL-2.0-only
"""rdma-core's own tests of pyverbs, in limited cgroups.

What each of them says goes to the host, which compares the kernels.
"""

import collections
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from harness import DEVICE, GID

# The one that python3-pyverbs is built for.
PYTHON = "/usr/bin/python3"
TESTS = pathlib.Path("/usr/share/doc/rdma-core/tests")
TEST_SECONDS = 300

LIMITS = {
    "high": (1000, 100000),
    "objects": (4, 8),
    "contexts": (1, 1000),
}


def unpack(folder):
    if not TESTS.is_dir():
        raise FileNotFoundError(f"{TESTS} is not there: reinstall python3-pyverbs "
                                "without path-exclude in /etc/dpkg/dpkg.cfg.d")
    shutil.copytree(TESTS, folder)
    subprocess.run(["gunzip", *folder.glob("*.gz")], check=True)


def check(guest):
    names = LIMITS if guest.version == 2 else ("high",)
    cgroups = {name: guest.cgroup(f"pyverbs-{name}").make() for name in names}
    for name, cgroup in cgroups.items():
        cgroup.limit(*LIMITS[name])

    results = pathlib.Path(os.environ["OUT"], f"pyverbs-v{guest.version}.json")
    results.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch, "tests")
        unpack(folder)
        said = []
        with subprocess.Popen(
            [PYTHON, pathlib.Path(__file__).with_name("pyverbs-run.py"),
             folder, DEVICE, str(GID), str(TEST_SECONDS), results,
             *(cgroup.path for cgroup in cgroups.values())],
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT) as process:
            # It takes minutes.
            for line in process.stdout:
                print("#", line, end="", flush=True)
                said.append(line)
    if not guest.promise("the suite comes to its end", process.returncode == 0,
                         "".join(said[-20:])):
        return

    outcomes = json.loads(results.read_text())
    for name, cgroup in cgroups.items():
        judge(guest, name, outcomes[cgroup.path.name])
        guest.promise(f"nothing is counted after it ({name})",
                      cgroup.becomes_unused(), cgroup.figures("current"))
        cgroup.path.rmdir()


def judge(guest, name, outcomes):
    counts = collections.Counter(outcome for outcome, _ in outcomes.values())
    others = {test: result for test, result in outcomes.items()
              if result[0] not in ("passed", "skipped", "refused")}
    print(f"# {name}:", ", ".join(f"{count} {outcome}" for outcome, count
                                  in counts.most_common()), flush=True)
    if name == "high":
        guest.promise("with high limits all passes that can run",
                      counts["passed"] and not counts["refused"] and not others,
                      {test: result for test, result in outcomes.items()
                       if result[0] not in ("passed", "skipped")})
    else:
        guest.promise(f"with low limits ({name}) nothing fails but what is "
                      "refused", counts["passed"] and counts["refused"] and not others,
                      others)
