#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What doc/examples/ has, as far as no guest is needed for it. Prints TAP."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import unittest
import urllib.error
import urllib.parse
import urllib.request

import yaml

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[3]
EXAMPLES = TOP / "doc/examples"
sys.path += [str(HERE.parent), str(HERE.parent / "top")]
import debian       # noqa: E402 (only now can they be found)
import prometheus   # noqa: E402
import restrack     # noqa: E402
import tap          # noqa: E402
from fake import Pool, Tree     # noqa: E402

PROGRAM = SPANK = None
# How long to wait for what hangs.
SECONDS = 120


def run(*command, **options):
    """The exit status, and all that was said."""
    done = subprocess.run([str(word) for word in command], text=True, check=False,
                          **{"stdin": subprocess.DEVNULL} | options,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


class Folder(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def succeed(self, *command, **options):
        status, said = run(*command, **options)
        self.assertEqual(status, 0, said)
        return said


def servers():
    """The folder of Prometheus' programs.

    They are unpacked and not installed: that would start servers on this host.
    """
    folder = debian.CACHE / "prometheus"
    if not (folder / "usr/bin/promtool").exists():
        suite = re.search(r"^VERSION_CODENAME=(\w+)$",
                          pathlib.Path("/etc/os-release").read_text(), re.M)[1]
        archive = debian.Archive((suite,))
        with tempfile.TemporaryDirectory() as scratch:
            for package in ("prometheus", "prometheus-node-exporter"):
                print(f"# fetching {package}", flush=True)
                file = archive.download(package, pathlib.Path(scratch))
                subprocess.run(["dpkg-deb", "--extract", file, folder], check=True)
    return folder / "usr/bin"


class Monitoring(Folder):
    @classmethod
    def setUpClass(cls):
        try:
            cls.programs = servers()
        except debian.Unavailable as error:
            raise unittest.SkipTest(" ".join(str(error).split())) from error

    rules = EXAMPLES / "prometheus/rdmacg-rules.yml"

    def promtool(self, *words):
        return run(self.programs / "promtool", *words)


class Rules(Monitoring):
    """promtool runs rules-test.yml on the rules, or on what was made of them."""

    def judge(self, text):
        shutil.copy(HERE / "rules-test.yml", self.folder)
        (self.folder / self.rules.name).write_text(text)
        return self.promtool("test", "rules", self.folder / "rules-test.yml")

    def test_fire(self):
        """the rules fire when they should, and only then"""
        status, said = self.judge(self.rules.read_text())
        self.assertEqual(status, 0, said)

    def test_former(self):
        """increase() alone misses a counter that comes with refusals"""
        rules = yaml.safe_load(self.rules.read_text())
        rules["groups"][0]["rules"][0]["expr"] = "increase(rdmacg_failures_local_total[5m]) > 0"
        status, said = self.judge(yaml.safe_dump(rules))
        self.assertNotEqual(status, 0)
        self.assertEqual(re.findall(r"^ +name: (.*),$", said, re.M),
                         ["a counter that comes with refusals, which increase() does not see"])

    def test_each_is_needed(self):
        """without any one rule, or with its figures changed, their test fails"""
        text = self.rules.read_text()
        rules = yaml.safe_load(text)["groups"][0]["rules"]
        for rule in rules:
            others = [other for other in rules if other != rule]
            with self.subTest(without=rule):
                self.assertNotEqual(self.judge(yaml.safe_dump(
                    {"groups": [{"name": "rdmacg", "rules": others}]}))[0], 0)
        for change in (("> 0.8", "> 0.9"), ("> 0.8", ">= 0.8"), ("> 300", "> 360"),
                       ("[1d]", "[5m]"), ("[1h]", "[5m]"), ("/[^/]+", ".+"),
                       ("for: 10m", "for: 0m"), ("for: 5m", "for: 0m"),
                       ("up == 1", "up >= 0"), ("rdmacg[.]prom", "[a-z]*[.]prom"),
                       ("instance, device", "device")):
            with self.subTest(change=change):
                self.assertIn(change[0], text)
                self.assertNotEqual(self.judge(text.replace(*change))[0], 0)


DASHBOARD = EXAMPLES / "grafana/rdmacg-dashboard.json"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
# What Grafana itself puts into queries.
BUILT_IN = {"__rate_interval": "1m"}


def queries(dashboard):
    """Each as Prometheus gets it, if all is chosen."""
    values = {variable["name"]: ".*" for variable in dashboard["templating"]["list"]} | BUILT_IN
    return {f"{panel['title']}, {target['refId']}":
            re.sub(r"\$(\w+)", lambda match: values[match[1]], target["expr"])
            for panel in dashboard["panels"] for target in panel["targets"]}


def is_like(value, shape):
    """A shape is a type, or has the keys, or the items, that have to be there."""
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(
            key in value and is_like(value[key], shape[key]) for key in shape)
    if isinstance(shape, list):
        return isinstance(value, list) and all(is_like(item, shape[0]) for item in value)
    return type(value) is shape if isinstance(shape, type) else value == shape


TARGET = {"refId": str, "datasource": SOURCE, "expr": str, "legendFormat": str}
PANEL = {"id": int, "type": str, "title": str, "description": str, "datasource": SOURCE,
         "gridPos": {"x": int, "y": int, "w": int, "h": int}, "options": dict,
         "fieldConfig": {"defaults": {"unit": str, "thresholds": {"mode": "absolute",
                                                                  "steps": [{"color": str}]}},
                         "overrides": list},
         "targets": [TARGET]}
VARIABLE = {"name": str, "label": str, "type": str, "options": list, "hide": int}
SHAPE = {"title": str, "uid": str, "schemaVersion": int, "version": int, "tags": [str],
         "time": {"from": str, "to": str}, "refresh": str, "timezone": str,
         "annotations": {"list": list}, "links": list, "editable": bool,
         "templating": {"list": [VARIABLE]}, "panels": [PANEL]}


def cells(panel):
    place = panel["gridPos"]
    return {(x, y) for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])}


def faults(dashboard):
    """What Grafana would not take, or take and show wrongly."""
    if not is_like(dashboard, SHAPE):
        for name, shape in (("panels", PANEL), ("templating", {"list": [VARIABLE]})):
            parts = dashboard.get(name)
            for part in parts if isinstance(parts, list) else [parts]:
                if not is_like(part, shape):
                    yield f"{name}: {part} is not like {shape}"
        yield f"it is not like {SHAPE}"
        return
    names = [variable["name"] for variable in dashboard["templating"]["list"]]
    panels = dashboard["panels"]
    for what, all_of_them in (("variable", names), ("panel", [p["id"] for p in panels])):
        if len(set(all_of_them)) != len(all_of_them):
            yield f"two of one {what}: {all_of_them}"
    used = {"datasource"}
    taken = set()
    for panel in panels:
        if panel["type"] not in ("stat", "timeseries", "table"):
            yield f"a panel of type {panel['type']}"
        if taken & cells(panel) or panel["gridPos"]["x"] + panel["gridPos"]["w"] > 24:
            yield f"{panel['title']} has no room where it is"
        taken |= cells(panel)
        if not panel["targets"] or len({t["refId"] for t in panel["targets"]}) != \
                len(panel["targets"]):
            yield f"{panel['title']}: its queries have no names of their own"
        for target in panel["targets"]:
            used.update(re.findall(r"\$(\w+)", target["expr"]))
    for variable in dashboard["templating"]["list"]:
        query = variable["query"]
        if variable["type"] == "query":
            match = re.fullmatch(r"label_values\((.*), (\w+)\)", query["query"])
            if not match or match[2] != variable["name"] or variable["datasource"] != SOURCE:
                yield f"variable {variable['name']}: {query}"
            used.update(re.findall(r"\$(\w+)", query["query"]))
    for name in used ^ set(names):
        if name not in BUILT_IN:
            yield f"${name} is not defined, or not used"


class Dashboard(Monitoring):
    dashboard = json.loads(DASHBOARD.read_text())

    def test_fields(self):
        """each field that Grafana wants is there, and of its type; panels have room"""
        self.assertEqual(list(faults(self.dashboard)), [])

    def test_faults(self):
        """a dashboard with a fault is found out"""
        def broken(path, value):
            copy = json.loads(json.dumps(self.dashboard))
            *way, last = path
            at = copy
            for step in way:
                at = at[step]
            if value is None:
                del at[last]
            else:
                at[last] = value
            return copy

        for path, value in (
                (("schemaVersion",), "37"), (("title",), None),
                (("panels", 2, "gridPos", "x"), 7), (("panels", 1, "id"), 1),
                (("panels", 8, "gridPos", "w"), 25), (("panels", 3, "type"), "graph"),
                (("panels", 4, "targets", 0, "expr"), "up{instance=~\"$host\"}"),
                (("panels", 4, "targets", 0, "datasource"), "prometheus"),
                (("panels", 8, "targets", 1, "refId"), "A"),
                (("panels", 0, "targets"), []),
                (("templating", "list", 1, "name"), "host"),
                (("templating", "list", 4), None),
                (("templating", "list", 2, "query", "query"), "label_values(device)")):
            with self.subTest(path=path, value=value):
                self.assertTrue(list(faults(broken(path, value))))

    def judge(self, expressions):
        """By Prometheus' own parser, as rules."""
        file = self.folder / "queries.yml"
        file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": [
            {"record": f"query{number}", "expr": expression}
            for number, expression in enumerate(expressions)]}]}))
        return self.promtool("check", "rules", file)

    def test_queries(self):
        """promtool parses each query"""
        asked = queries(self.dashboard)
        status, said = self.judge(asked.values())
        self.assertEqual((status, f"{len(asked)} rules found" in said), (0, True), said)
        for name, query in asked.items():
            with self.subTest(broken=name):
                self.assertNotEqual(self.judge([query.replace("}", "", 1)])[0], 0)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
- job_name: node
  static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Servers(Monitoring):
    """Prometheus reads the node exporter, that a file, and that is rdmacg-top's."""

    def setUp(self):
        super().setUp()
        self.tree = Tree()
        self.addCleanup(self.tree.remove)
        self.refused = 0
        self.file = self.folder / "rdmacg.prom"
        self.tree.add_tasks("t", 4242)
        (self.folder / "restrack").write_bytes(
            restrack.device(3, "mlx4_0") + restrack.objects("qp", 3, 4242))
        self.write()
        self.exporter, self.server = free_port(), free_port()
        self.start("prometheus-node-exporter", "--collector.disable-defaults",
                   "--collector.textfile", f"--collector.textfile.directory={self.folder}",
                   f"--web.listen-address=127.0.0.1:{self.exporter}")

    def start(self, program, *words):
        log = (self.folder / f"{program}.log").open("w")
        self.addCleanup(log.close)
        process = subprocess.Popen([self.programs / program, *words], stdout=log,
                                   stderr=subprocess.STDOUT)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

    def write(self):
        """As the timer does, of a cgroup that has been refused more and more."""
        self.tree.add("t", {"mlx4_0": {
            "hca_handle": Pool(1),
            "hca_object": Pool(9, 10, 10, *[self.refused] * 4)}})
        self.refused += 10
        new = self.file.with_suffix(".new")
        with new.open("w") as out:
            subprocess.run([PROGRAM, "--all", "--prometheus", "--kinds",
                            f"--restrack={self.folder}/restrack", f"--root={self.tree.root}"],
                           check=True, stdout=out)
        new.rename(self.file)

    def get(self, port, path):
        """What a server answers, None while it does not."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            with opener.open(f"http://127.0.0.1:{port}/{path}", timeout=SECONDS) as answer:
                return answer.read()
        return None

    def wait(self, holds):
        """Returns what holds() does, as soon as it is true, or at last."""
        end = time.monotonic() + SECONDS
        while not (result := holds()) and time.monotonic() < end:
            time.sleep(0.2)
        return result

    def query(self, expression):
        answer = self.get(self.server, "api/v1/query?" + urllib.parse.urlencode(
            {"query": expression}))
        return json.loads(answer)["data"]["result"] if answer else []

    def start_prometheus(self):
        config = self.folder / "prometheus.yml"
        config.write_text(CONFIG.format(rules=self.rules, port=self.exporter))
        self.start("prometheus", f"--config.file={config}",
                   f"--storage.tsdb.path={self.folder}/data",
                   f"--web.listen-address=127.0.0.1:{self.server}")

    def test_exporter(self):
        """the node exporter shows all that rdmacg-top wrote, and the file's age"""
        shown = self.wait(lambda: self.get(self.exporter, "metrics")).decode()
        wrote = prometheus.parse(self.file.read_bytes())
        ours = "".join(line for line in shown.splitlines(keepends=True)
                       if re.match(r"(# (HELP|TYPE) )?rdmacg_", line))
        shows = prometheus.parse(ours.encode())
        self.assertIn("rdmacg_objects", shows)
        self.assertEqual({name: (family.type, family.help, family.samples)
                          for name, family in shows.items()},
                         {name: (family.type, family.help, family.samples)
                          for name, family in wrote.items()})
        self.assertIn("\nnode_textfile_scrape_error 0\n", shown)
        self.assertIn(f'node_textfile_mtime_seconds{{file="{self.file}"}} ', shown)

    def test_dashboard(self):
        """each query and each variable of the dashboard finds something"""
        self.start_prometheus()
        dashboard = json.loads(DASHBOARD.read_text())
        asked = queries(dashboard)
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                metric, label = re.fullmatch(r"label_values\((.*), (\w+)\)",
                                             variable["query"]["query"]).groups()
                asked[label] = f'count by ({label}) ({metric.replace("$instance", ".*")}) > 0'
        left = dict(asked)

        def all_found():
            self.write()
            for name, query in list(left.items()):
                found = self.query(query)
                # What is asked has labels, but for sums of all.
                if found and (name not in dashboard or found[0]["metric"]):
                    del left[name]
            return not left

        self.assertTrue(self.wait(all_found), left)

    def test_alerts(self):
        """the rules fire on what these really say: refused, near, old, gone"""
        self.start_prometheus()
        alerts = {}

        def seen(*names):
            for series in self.query("ALERTS"):
                alerts[series["metric"]["alertname"]] = series["metric"]["alertstate"]
            return set(names) <= set(alerts)

        self.wait(lambda: self.write() or seen("RdmacgRefused", "RdmacgNearLimit"))
        self.assertEqual(alerts, {"RdmacgRefused": "firing", "RdmacgNearLimit": "pending"})
        os.utime(self.file, (1, 1))
        self.assertTrue(self.wait(lambda: seen("RdmacgStale")), alerts)
        self.file.unlink()
        self.assertTrue(self.wait(lambda: seen("RdmacgMissing")), alerts)


UNITS = EXAMPLES / "systemd"


class Systemd(Folder):
    def setUp(self):
        super().setUp()
        self.units = self.folder / "etc/systemd/system"
        programs = self.folder / "usr/local/sbin"
        for folder in (self.units / "tenant.service.d", programs, self.folder / "bin"):
            folder.mkdir(parents=True)
        for file in UNITS.iterdir():
            shutil.copy(file, self.units / ("tenant.service.d" if file.suffix == ".conf" else ""))
        (self.units / "tenant.service").write_text("[Service]\nExecStart=/bin/tenant\n")
        for program in (EXAMPLES / "rdmacg-set", EXAMPLES / "rdmacg-keep"):
            shutil.copy(program, programs)
        shutil.copy(programs / "rdmacg-set", self.folder / "bin/tenant")
        # The targets that these refer to.
        (self.folder / "lib").mkdir()
        shutil.copytree("/lib/systemd/system", self.folder / "lib/systemd/system",
                        symlinks=True)

    def verify(self):
        units = sorted(path for path in self.units.iterdir() if path.is_file())
        self.assertEqual({path.suffix for path in units}, {".service", ".timer"})
        return run("systemd-analyze", "verify", f"--root={self.folder}", *units)

    def test_units(self):
        """systemd-analyze verify takes units, timers and the drop-in"""
        self.assertEqual(self.verify(), (0, ""))

    def test_faults(self):
        """it says so if a word, or a program that they run, is wrong"""
        for path in self.units.rglob("*.*"):
            if path.is_file():
                text = path.read_text()
                for old, new in (("ExecStart", "ExecsStart"), ("/local/", "/locale/"),
                                 ("OnCalendar=hourly", "OnCalendar=hurly"),
                                 ("OnActiveSec=0", "OnActiveSec=x"), ("[Timer]", "[Time]")):
                    if old in text and path.name != "tenant.service":
                        path.write_text(text.replace(old, new))
                        with self.subTest(path=path.name, wrong=new):
                            self.assertNotEqual(self.verify(), (0, ""))
                        path.write_text(text)
        for program in ("rdmacg-set", "rdmacg-keep"):
            file = self.folder / "usr/local/sbin" / program
            file.chmod(0o644)
            with self.subTest(not_executable=program):
                self.assertNotEqual(self.verify(), (0, ""))
            file.chmod(0o755)


def in_cgroup(hierarchy, path, root, command):
    """A command for root that sees itself in such a cgroup, and root mounted for all."""
    script = """
        mount --bind "$1" /proc/$$/cgroup
        mount --rbind "$2" /sys/fs/cgroup
        shift 2
        exec "$@"
    """
    file = root.parent / "proc-cgroup"
    file.write_text(f"3:cpu:/elsewhere\n{hierarchy}{path}\n")
    return ("unshare", "--mount", "sh", "-euc", script, "sh", file, root, *command)


class Hierarchy(Folder):
    """Made up: what is written to a file is in it afterwards."""

    def setUp(self):
        super().setUp()
        self.root = self.folder / "root"
        self.root.mkdir()

    def make(self, version=2, controllers="cpu rdma pids\n"):
        self.mount = self.root if version == 2 else self.root / "rdma"
        (self.mount / "a/b/c d").mkdir(parents=True)
        if version == 2:
            (self.root / "cgroup.controllers").write_text(controllers)

    def wrote(self):
        return {str(path.relative_to(self.mount)): path.read_text()
                for path in self.mount.rglob("*") if path.is_file()
                and path.name != "cgroup.controllers"}

    def run_set(self, *words, program=EXAMPLES / "rdmacg-set"):
        return run(program, *words, env=os.environ | {"CGROUP_ROOT": str(self.root)})


ENABLED = {"cgroup.subtree_control": "+rdma\n", "a/cgroup.subtree_control": "+rdma\n",
           "a/b/cgroup.subtree_control": "+rdma\n"}


# The last word stands for the process that these are.
OTHER_PROCESS = ("sh", "-c", '"$0" $$ "$2"; exit $?')


class Set(Hierarchy):
    def test_v2(self):
        """in v2 the controller is turned on above, and all lines are written"""
        self.make()
        self.assertEqual(self.run_set("/a/b/c d", "default hca_handle=2", "mlx4_0 hca_object=3"),
                         (0, ""))
        self.assertEqual(self.wrote(), ENABLED | {
            "a/b/c d/rdma.max": "default hca_handle=2\nmlx4_0 hca_object=3\n"})

    def test_v1(self):
        """in v1 lines are written, and nothing else"""
        self.make(1)
        self.assertEqual(self.run_set("/a/b/c d", "default hca_handle=2"), (0, ""))
        self.assertEqual(self.wrote(), {"a/b/c d/rdma.max": "default hca_handle=2\n"})

    def test_on_only(self):
        """without a line the controller is turned on, and nothing is limited"""
        self.make()
        self.assertEqual(self.run_set("/a/b/c d"), (0, ""))
        self.assertEqual(self.wrote(), ENABLED)

    def test_one_write(self):
        """lines are written all at once"""
        self.make()
        said = self.succeed("strace", "-f", "-e", "trace=write", "-s", "100",
                            EXAMPLES / "rdmacg-set", "/a", "default hca_handle=2",
                            "mlx4_0 hca_object=3",
                            env=os.environ | {"CGROUP_ROOT": str(self.root)})
        self.assertIn(r'write(1, "default hca_handle=2\nmlx4_0 hca_object=3\n", 41)', said)

    @unittest.skipIf(os.geteuid(), "only root can mount what stands for /proc/self/cgroup")
    def test_self(self):
        """its own cgroup, or that of another process, is found in v2 and in v1"""
        for version, hierarchy in ((2, "0::"), (1, "7:rdma:"), (1, "7:pids,rdma,misc:")):
            for path in ("/a/b/c d", "/a/b/c d/.control"):
                for shell, who in (((), "self"), (OTHER_PROCESS, "other")):
                    with self.subTest(hierarchy=hierarchy, path=path, who=who):
                        shutil.rmtree(self.root)
                        self.root.mkdir()
                        self.make(version)
                        self.succeed(*in_cgroup(hierarchy, path, self.root, (
                            *shell, EXAMPLES / "rdmacg-set", who, "default hca_handle=2")))
                        self.assertEqual(self.wrote()["a/b/c d/rdma.max"],
                                         "default hca_handle=2\n")

    def test_errors(self):
        """what cannot be done is told, with what to do"""
        self.make()
        for words, told in ((("/nosuch", "x"), "no such cgroup"), (("/", "x"), "root cgroup"),
                            ((), "usage")):
            with self.subTest(words=words):
                status, said = self.run_set(*words)
                self.assertEqual(status, 1)
                self.assertIn(told, said)
        (self.root / "a/b/cgroup.subtree_control").mkdir()
        self.assertIn("move its own processes", self.run_set("/a/b/c d", "x")[1])
        (self.root / "a/b/cgroup.subtree_control").rmdir()
        (self.root / "a/b/rdma.max").symlink_to("/dev/full")
        status, said = self.run_set("/a/b", "default x=1")
        self.assertEqual(status, 1)
        self.assertIn("No space left", said)
        self.assertIn("does not take: default x=1", said)
        (self.root / "cgroup.controllers").write_text("cpu rdmax\n")
        self.assertIn("kernel lacks it", self.run_set("/a", "x")[1])
        (self.root / "cgroup.controllers").unlink()
        self.assertIn("mount -t cgroup", self.run_set("/a", "x")[1])


class Keep(Hierarchy):
    DEVICES = "mlx4_0 hca_handle={} hca_object={}\nocrdma1 index=2 hca_handle={} hca_object={}\n"

    def setUp(self):
        super().setUp()
        self.make()
        self.file = self.folder / "limits"

    def limit(self, cgroup, *figures, default=""):
        (self.root / cgroup / "rdma.max").write_text(default + self.DEVICES.format(*figures))

    def keep(self, *words):
        return self.run_set(*words, program=EXAMPLES / "rdmacg-keep")

    def save(self):
        self.assertEqual(self.keep("save", self.file), (0, ""))
        return self.file.read_text()

    def test_save(self):
        """defaults and what differs from them are saved, and nothing else"""
        self.limit("a", "max", "max", "max", "max")
        self.limit("a/b", "2", "max", "2", "7", default="default hca_handle=2 hca_object=max\n")
        self.limit("a/b/c d", "max", "5", "1", "4", default="default hca_handle=1 hca_object=5\n")
        self.assertEqual(self.save(),
                         "/a/b default hca_handle=2\n"
                         "/a/b ocrdma1 index=2 hca_object=7\n"
                         "/a/b/c d default hca_handle=1 hca_object=5\n"
                         "/a/b/c d mlx4_0 hca_handle=max\n"
                         "/a/b/c d ocrdma1 index=2 hca_object=4\n")

    def test_restore(self):
        """what was saved is restored, in one write, and what was set since is gone"""
        self.limit("a/b/c d", "max", "5", "1", "4", default="default hca_handle=1 hca_object=5\n")
        self.save()
        self.limit("a/b/c d", "8", "8", "max", "max")
        self.assertEqual(self.keep("restore", self.file), (0, ""))
        self.assertEqual(self.wrote(), ENABLED | {"a/b/c d/rdma.max":
                         "default hca_handle=1 hca_object=5\n"
                         "mlx4_0 hca_handle=max hca_object=default\n"
                         "ocrdma1 index=2 hca_handle=default hca_object=4"})

    def test_absent(self):
        """a cgroup or a device that is not there is passed over, and told if asked for"""
        self.limit("a", "max", "max", "max", "max")
        self.file.write_text("# comment\n\n/nosuch default hca_object=1\n/a mlx5_0 hca_object=3\n"
                             "/a mlx4_0 hca_object=4\n")
        self.assertEqual(self.keep("restore", self.file), (0, ""))
        self.assertIn("mlx4_0 hca_handle=default hca_object=4\n", self.wrote()["a/rdma.max"])
        self.assertNotIn("mlx5_0", self.wrote()["a/rdma.max"])
        self.limit("a", "max", "max", "max", "max")
        self.assertEqual(self.keep("restore", "--verbose", self.file),
                         (0, "/a: no mlx5_0\n/nosuch: not there\n"))

    def test_errors(self):
        """one cgroup that cannot be restored does not keep others from it"""
        self.limit("a/b/c d", "max", "max", "max", "max")
        self.file.write_text("/a/b default hca_object=1\n/a/b/c d default hca_object=1\n")
        status, said = self.keep("restore", self.file)
        self.assertEqual(status, 1)
        self.assertIn("/a/b: ", said)
        self.assertIn("default hca_handle=max hca_object=1\n", self.wrote()["a/b/c d/rdma.max"])
        self.file.write_text("/a default\n")
        status, said = self.keep("restore", self.file)
        self.assertEqual(status, 1)
        self.assertIn("limits:1: write /CGROUP DEVICE", said)


class Containers(Folder):
    def test_class(self):
        """RuntimeClass, pod and containerd's configuration name each other"""
        runtime_class, pod = yaml.safe_load_all(
            (EXAMPLES / "kubernetes/runtimeclass.yaml").read_text())
        self.assertEqual((runtime_class["apiVersion"], runtime_class["kind"]),
                         ("node.k8s.io/v1", "RuntimeClass"))
        self.assertEqual((pod["apiVersion"], pod["kind"]), ("v1", "Pod"))
        self.assertEqual(pod["spec"]["runtimeClassName"], runtime_class["metadata"]["name"])
        for name, *way in (("containerd.toml", "plugins", "io.containerd.grpc.v1.cri",
                            "containerd"), ("crio.conf", "crio", "runtime")):
            at = tomllib.loads((EXAMPLES / "kubernetes" / name).read_text())
            for step in way:
                at = at[step]
            self.assertEqual(list(at["runtimes"]), [runtime_class["handler"]])

    def test_specification(self):
        """the filter gives a specification a default limit, and leaves all else"""
        base = {"ociVersion": "1.0.2", "linux": {"resources": {"devices": [{"allow": False}]}}}
        said = self.succeed("jq", "-f", EXAMPLES / "kubernetes/rdma-small.jq",
                            stdin=None, input=json.dumps(base))
        base["linux"]["resources"]["rdma"] = {"default": {"hcaHandles": 2, "hcaObjects": 20}}
        self.assertEqual(json.loads(said), base)


class Hook(Hierarchy):
    def setUp(self):
        super().setUp()
        self.make()
        for name in ("rdmacg-set", "oci/rdmacg-hook"):
            shutil.copy(EXAMPLES / name, self.folder)

    def hook(self, state):
        return run(*in_cgroup("0::", "/a/b/c d", self.root, (self.folder / "rdmacg-hook",)),
                   stdin=None, input=state)

    @unittest.skipIf(os.geteuid(), "only root can mount what stands for /proc/PID/cgroup")
    def test_hook(self):
        """it limits the cgroup of the state's process, if an annotation asks for it"""
        for annotations in ({}, {"other": "x"}, None):
            state = {"ociVersion": "1.0.2", "pid": 1, "annotations": annotations}
            self.assertEqual(self.hook(json.dumps(state)), (0, ""))
        self.assertEqual(self.wrote(), {})
        # Its own process is the one that is seen in that cgroup.
        state = '{"pid": "self", "annotations": {"rdmacg.default": "hca_handle=2 hca_object=20"}}'
        self.assertEqual(self.hook(state), (0, ""))
        self.assertEqual(self.wrote(), ENABLED | {
            "a/b/c d/rdma.max": "default hca_handle=2 hca_object=20\n"})

    @unittest.skipIf(os.geteuid(), "only root can mount what stands for /proc/PID/cgroup")
    def test_errors(self):
        """what is no state fails, so that no container starts without its limit"""
        for state in ("", "{", "null", '{"pid": 4194305, "annotations": {"rdmacg.default": "x"}}'):
            with self.subTest(state=state):
                self.assertNotEqual(self.hook(state)[0], 0)
        self.assertEqual(self.wrote(), {})

    def test_configuration(self):
        """hooks.d runs it in the stage, and for the annotation, that it is for"""
        hook = json.loads((EXAMPLES / "oci/rdmacg-hook.json").read_text())
        self.assertEqual((hook["version"], hook["stages"]), ("1.0.0", ["createRuntime"]))
        self.assertEqual(pathlib.Path(hook["hook"]["path"]).name, "rdmacg-hook")
        key, = hook["when"]["annotations"]
        self.assertRegex("rdmacg.default", key)


# As slurmstepd loads it: its own library first, whose functions it calls.
LOAD = """
import ctypes, sys
ctypes.CDLL("libslurm.so.38", ctypes.RTLD_GLOBAL)
words = [word.encode() for word in sys.argv[2:]]
plugin = ctypes.CDLL(sys.argv[1])
assert ctypes.c_char_p.in_dll(plugin, "plugin_type")
status = plugin.slurm_spank_task_init_privileged(
    None, len(words), (ctypes.c_char_p * (len(words) + 1))(*words))
# Slurm goes on after an error above 0.
sys.exit(1 if status < 0 else 2 * status)
"""


@unittest.skipIf(os.geteuid(), "only root can mount what stands for /proc/self/cgroup")
class Slurm(Hierarchy):
    def setUp(self):
        super().setUp()
        self.make()
        self.task = "a/job_7/step_0/user/task_0"
        (self.root / self.task).mkdir(parents=True)
        for path in ("", "a", "a/job_7"):
            (self.root / path / "cgroup.subtree_control").touch()
            (self.root / path / "rdma.max").touch()

    def load(self, *words, path=None):
        return run(*in_cgroup("0::", path or f"/{self.task}", self.root,
                              (sys.executable, "-c", LOAD, SPANK, *words)))

    def test_limit(self):
        """with the words of plugstack.conf it limits a job, and turns the controller on"""
        line, = re.findall("^[^#].*", (EXAMPLES / "slurm/plugstack.conf").read_text(), re.M)
        required, path, *words = line.split()
        self.assertEqual((required, path[-10:]), ("required", "/rdmacg.so"))
        self.assertEqual(self.load(*words), (0, ""))
        self.assertEqual(self.wrote(), {
            "rdma.max": "", "cgroup.subtree_control": "+rdma",
            "a/rdma.max": "", "a/cgroup.subtree_control": "+rdma",
            "a/job_7/rdma.max": "default hca_handle=16 hca_object=20000",
            "a/job_7/cgroup.subtree_control": ""})

    def test_errors(self):
        """a job that cannot be limited does not run, and the log says why"""
        for words, told, path in (
                (("hca_object=5",), "no cgroup of a job", "/a/b"),
                (("hca_object=5",), "No such file", "/b/job_8/step_0"),
                (("hca_object=5" * 30,), "too much in plugstack.conf", None)):
            with self.subTest(told=told):
                status, said = self.load(*words, path=path)
                self.assertEqual(status, 1)
                self.assertIn(told, said)
        self.assertEqual((self.root / "a/job_7/rdma.max").read_text(), "")


if __name__ == "__main__":
    tap.main(__name__, "spank", what="examples")
