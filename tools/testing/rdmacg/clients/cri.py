# SPDX-License-Identifier: GPL-2.0-only
"""containerd as a kubelet drives it: by CRI, with a runtime class of a node."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

try:
    import grpc
except ModuleNotFoundError:     # where only the names of cases are asked for
    grpc = None

import defaults
from containers import (FOLDER, PARENT, RDMA, ROOTFS, UNIFIED, UNIFIED_DEFAULT,
                        Container, containerd, device_rule, devices, make_bundle)
from harness import (EXAMPLES, IS_LIMITED, LIMIT, SECONDS, TENANT, Cgroup, run,
                     wait_until)

IMAGE = "docker.io/library/tenant:1"
PAUSE = "/usr/bin/catatonit"            # static; podman's, for its own pods
SOCKET = "unix:///run/containerd/containerd.sock"
LOG = FOLDER / "cri.log"

# A pod has CPU shares, always; the guest's kernel has no controller for them.
RUNC_WITHOUT_CPU = """#!/usr/bin/python3
import json, os, sys
if "--bundle" in sys.argv:
    name = sys.argv[sys.argv.index("--bundle") + 1] + "/config.json"
    spec = json.load(open(name))
    spec["linux"]["resources"].pop("cpu", None)
    json.dump(spec, open(name, "w"))
os.execv("/usr/sbin/runc", ["runc", *sys.argv[1:]])
"""

CONFIG = f"""version = 2
root = "/tmp/containerd-cri"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{IMAGE}"
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "native"
  default_runtime_name = "plain"
"""
CLASS = """[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.{name}]
  runtime_type = "io.containerd.runc.v2"
  base_runtime_spec = "{spec}"
"""
OPTIONS = """[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.{name}.options]
  BinaryName = "{runc}"
"""
# What a node has as classes of its own, and the one that users may copy.
CLASSES = {"named": RDMA, "plain": {}}
EXAMPLE = "rdma-small"


def messages():
    """The module that protoc makes of cri.proto."""
    subprocess.run(["protoc", f"--proto_path={pathlib.Path(__file__).parent}",
                    f"--python_out={FOLDER}", "cri.proto"], check=True)
    sys.path.append(str(FOLDER))
    import cri_pb2                      # pylint: disable=import-outside-toplevel
    return cri_pb2


def image():
    """Both the pod's own container and that of the tenant are of it."""
    folder = FOLDER / "image"
    folder.mkdir()
    shutil.copy(PAUSE, ROOTFS / "pause")
    with tarfile.open(folder / "layer.tar", "w") as layer:
        layer.add(ROOTFS, "")
    # "-P" of it is to do nothing, for good.
    (folder / "config.json").write_text(json.dumps({
        "architecture": "amd64", "os": "linux",
        "config": {"Entrypoint": ["/pause", "-P"]},
        "rootfs": {"type": "layers", "diff_ids": [
            "sha256:" + run("sha256sum", folder / "layer.tar").stdout.split()[0]]}}))
    (folder / "manifest.json").write_text(json.dumps([
        {"Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]))
    with tarfile.open(FOLDER / "image.tar", "w") as archive:
        for name in ("manifest.json", "config.json", "layer.tar"):
            archive.add(folder / name, name)
    return FOLDER / "image.tar"


class Pod:
    """One pod with one container, as a kubelet on a node without a network makes it."""

    def __init__(self, channel, words, parent, runtime_class, unified):
        self.parent = parent.path
        self.channel = channel
        self.words = words
        self.runtime_class = runtime_class
        self.unified = unified
        self.id = self.container = None
        self.error = ""

    def call(self, method, request, reply):
        return self.channel.unary_unary(
            f"/runtime.v1.RuntimeService/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=reply.FromString)(request, timeout=SECONDS)

    def __enter__(self):
        try:
            self.start()
        except grpc.RpcError as error:
            self.error = error.details().lower()
        return self

    def start(self):
        words = self.words
        security = {"namespace_options": {"network": words.NODE}}
        config = words.PodSandboxConfig(
            metadata={"name": "pod", "uid": "1", "namespace": "default"},
            log_directory=str(FOLDER),
            linux={"cgroup_parent": f"/{PARENT}", "security_context": security})
        self.id = self.call("RunPodSandbox", words.RunPodSandboxRequest(
            config=config, runtime_handler=self.runtime_class), words.PodSandbox).pod_sandbox_id
        container = self.call("CreateContainer", words.CreateContainerRequest(
            pod_sandbox_id=self.id, sandbox_config=config,
            config=words.ContainerConfig(
                metadata={"name": "tenant"}, image={"image": IMAGE},
                command=[f"/{TENANT[0]}", *TENANT[1:]], log_path=LOG.name, stdin=True,
                mounts=[{"container_path": "/usr", "host_path": "/usr",
                         "readonly": True}],
                devices=[{"container_path": str(path), "host_path": str(path),
                          "permissions": "rw"} for path in devices()],
                linux={"security_context": security,
                       "resources": {"unified": self.unified}})), words.Container)
        self.container = container.container_id
        self.call("StartContainer", container, words.Nothing)

    def __exit__(self, *_):
        if self.id:
            pod = self.words.PodSandbox(pod_sandbox_id=self.id)
            self.call("StopPodSandbox", pod, self.words.Nothing)
            self.call("RemovePodSandbox", pod, self.words.Nothing)

    @property
    def said(self):
        """Each line of the log begins with a time, a stream and a tag."""
        return re.sub(r"^\S+ \S+ \S ", "", LOG.read_text(), flags=re.M)

    def hears(self, pattern):
        return wait_until(lambda: re.search(pattern, self.said, re.M))

    def cgroup(self):
        return Cgroup(pathlib.Path(self.parent, self.container))


def configure():
    """Returns the file with classes of which each has a specification of its own."""
    runc = FOLDER / "runc-without-cpu"
    runc.write_text(RUNC_WITHOUT_CPU)
    runc.chmod(0o755)
    base = json.loads(run("ctr", "oci", "spec").stdout)
    allowed = base["linux"]["resources"]["devices"] + [device_rule()]
    config = CONFIG
    for name, resources in CLASSES.items():
        spec = FOLDER / f"{name}.json"
        linux = base["linux"] | {"resources": resources | {"devices": allowed}}
        spec.write_text(json.dumps(base | {"linux": linux}))
        config += CLASS.format(name=name, spec=spec)
    (FOLDER / f"{EXAMPLE}.json").write_text(run(
        "jq", "-f", EXAMPLES / "kubernetes/rdma-small.jq", FOLDER / "plain.json").stdout)
    config += (EXAMPLES / "kubernetes/containerd.toml").read_text().replace(
        "version = 2\n", "").replace("/etc/containerd", str(FOLDER))
    config += "".join(OPTIONS.format(name=name, runc=runc) for name in (*CLASSES, EXAMPLE))
    file = FOLDER / "containerd-cri.toml"
    file.write_text(config)
    return file


def check(guest):
    make_bundle({})
    words = messages()
    parent = Container(guest).parent
    cases = [("named", {}), (EXAMPLE, {})]
    if guest.version == 2:
        cases += [("plain", UNIFIED["unified"]), ("plain", UNIFIED_DEFAULT["unified"])]

    with containerd(guest, configure()) as answers, \
         grpc.insecure_channel(SOCKET) as channel:
        if not answers:
            return
        done = run("ctr", "-n", "k8s.io", "images", "import", "--snapshotter", "native",
                   image())
        guest.promise("it has an image", done.returncode == 0, done.stdout)
        for name, unified in cases:
            why = "unified" if unified else "base_runtime_spec"
            is_default = name == EXAMPLE or unified == UNIFIED_DEFAULT["unified"]
            LOG.write_text("")
            with Pod(channel, words, parent, name, unified) as pod:
                if guest.stock and is_default:
                    guest.promise(f"{why}: a default is a device that is not there",
                                  "no such device" in pod.error, pod.error)
                elif pod.error:
                    guest.promise(f"{why}: the pod starts", False, pod.error)
                elif is_default:
                    defaults.check(guest, pod.cgroup, pod)
                else:
                    guest.promise(
                        f"{why}: the process in the container is limited",
                        pod.hears(IS_LIMITED) and pod.cgroup().figures("max") == LIMIT,
                        pod.said)
    guest.promise("nothing is counted after it", parent.becomes_unused(),
                  parent.figures("current"))
