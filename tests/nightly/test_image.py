# SPDX-License-Identifier: MIT
"""The image of the Dockerfile, really built and started, without a container engine: debootstrap
makes the base, buildah builds on it in a chroot. Takes some minutes and a network of Debian's
packages; the host's own sources of them are used."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
import debian_python

debian_python.need("redis")

import redis

import harness
from redis_server import RedisServer

UID = "65532"


def run(*command, **more):
    return subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, **more)


def must(*command, **more):
    done = run(*command, **more)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: {done.returncode}\n"
                             f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def need(*programs):
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        raise unittest.SkipTest(f"no {', '.join(missing)}: apt-get install {' '.join(missing)}")
    if os.geteuid() != 0:
        raise unittest.SkipTest("only root can make a base image")


def host_mirror():
    """(address, name of the release) from which this machine has its packages."""
    names = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines()
                 if "=" in line)
    release = names.get("VERSION_CODENAME", "").strip('"')
    lines = must("apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)",
                 "Created-By: Packages").splitlines()
    for line in lines:
        codename, address = line.split(" ", 1)
        if codename == release:
            return address, release
    raise unittest.SkipTest("apt names no mirror of this machine's release")


class Image(unittest.TestCase):
    """One build for all tests."""

    @classmethod
    def setUpClass(cls):
        need("buildah", "debootstrap", "apt-get")
        cls.folder = Path(tempfile.mkdtemp(prefix="image-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.make_base()
        cls.build()
        cls.container = cls.buildah("from", "--pull-never", "localhost/tidings").strip()

    @classmethod
    def buildah(cls, *arguments):
        return must(*cls.buildah_command(*arguments), cwd=ROOT)

    @classmethod
    def buildah_command(cls, *arguments):
        return ["buildah", "--storage-driver", "vfs", "--root", cls.folder / "storage",
                "--runroot", cls.folder / "run", *arguments]

    @classmethod
    def make_base(cls):
        base = cls.folder / "base"
        address, release = host_mirror()
        must("debootstrap", "--variant=minbase", release, base, address)
        (base / "etc/apt/sources.list").unlink(missing_ok=True)
        for part in ("sources.list", "sources.list.d", "apt.conf.d", "trusted.gpg.d"):
            source = Path("/etc/apt", part)
            if source.is_dir():
                shutil.copytree(source, base / "etc/apt" / part, dirs_exist_ok=True)
            elif source.exists():
                shutil.copy(source, base / "etc/apt" / part)
        scratch = cls.buildah("from", "scratch").strip()
        cls.buildah("add", scratch, base, "/")
        cls.buildah("commit", "--rm", "--format", "docker", scratch, "localhost/base")
        shutil.rmtree(base)

    @classmethod
    def build(cls):
        cls.buildah("bud", "--isolation", "chroot", "--pull-never", "--format", "docker",
                    "--build-arg", "BASE=localhost/base", "--build-arg", "VERSION=test",
                    "-t", "localhost/tidings", ".")

    def command_inside(self, *command, env=()):
        flags = [word for pair in env for word in ("-e", pair)]
        return self.buildah_command("run", "--isolation", "chroot", *flags, self.container, "--",
                                    *command)

    def inside(self, *command, env=()):
        return run(*self.command_inside(*command, env=env))

    def test_both_programs_start(self):
        done = self.inside("tidings", "--version")
        self.assertEqual((done.returncode, done.stdout[:8]), (0, "tidings "), done.stderr)
        self.assertEqual(self.inside("graphmock", "--help").returncode, 0)

    def test_a_check_without_a_network(self):
        done = self.inside("tidings", "check", "--offline", "--strict", env=(
            "WHATSAPP_PHONE_ID=" + harness.PHONE_ID, "WHATSAPP_TOKEN=" + harness.TOKEN))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("/var/lib/tidings/ledger.db", done.stdout)

    def test_it_is_not_root_and_writes_its_folder_alone(self):
        self.assertEqual(self.inside("id", "-u").stdout.strip(), UID)
        self.assertEqual(self.inside("touch", "/var/lib/tidings/x").returncode, 0)
        for folder in ("/", "/etc", "/usr/local/bin"):
            self.assertNotEqual(self.inside("touch", folder + "/x").returncode, 0, folder)

    def test_nothing_of_the_building_is_left(self):
        for program in ("gcc", "cmake", "make"):
            self.assertNotEqual(self.inside("sh", "-c", "command -v " + program).returncode, 0)

    def test_certificates_are_there(self):
        self.assertEqual(self.inside("test", "-s", "/etc/ssl/certs/ca-certificates.crt").returncode,
                         0)

    def test_the_daemon_sends_and_is_healthy(self):
        """The whole way: an entry in Redis, a request to the mock, a result; then its health check
        and its end."""
        graph = harness.Mock(tls=False)
        self.addCleanup(graph.stop)
        server = RedisServer()
        self.addCleanup(server.stop)
        client = redis.Redis.from_url(server.url, decode_responses=True)
        self.addCleanup(client.close)
        client.xadd("tidings:send", {"id": "one", "to": harness.number(1),
                                     "params": json.dumps(["Asha", "Physics", "https://e.example"])})
        daemon = subprocess.Popen([str(word) for word in self.command_inside("tidings", "run", env=(
            "WHATSAPP_PHONE_ID=" + harness.PHONE_ID, "WHATSAPP_TOKEN=" + harness.TOKEN,
            "TIDINGS_WHATSAPP_API_BASE=" + graph.url, "TIDINGS_REDIS_URL=" + server.url,
            "TIDINGS_ADMIN_LISTEN=127.0.0.1:0"))], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(daemon.stderr.close)
        self.addCleanup(daemon.kill)
        harness.wait_until(lambda: client.xlen("tidings:result") or daemon.poll() is not None,
                           "a result")
        self.assertEqual(daemon.poll(), None)
        self.assertEqual(client.xrange("tidings:result")[0][1]["state"], "accepted")
        health = self.inside("tidings", "status", "-q")
        self.assertEqual(health.returncode, 0, health.stderr)
        self.assertEqual(self.inside("tidings", "drain").returncode, 0)
        self.assertEqual(daemon.wait(harness.WAIT_S), 0)
        self.assertNotEqual(self.inside("tidings", "status", "-q").returncode, 0)

    def test_what_an_engine_is_told(self):
        image = json.loads(self.buildah("inspect", "--type", "image", "localhost/tidings"))
        config = image["Docker"]["config"]
        self.assertEqual(config["User"], f"{UID}:{UID}")
        self.assertEqual(config["Entrypoint"], ["tidings"])
        self.assertEqual(config["Cmd"], ["run"])
        self.assertEqual(config["Healthcheck"]["Test"], ["CMD", "tidings", "status", "-q"])
        self.assertEqual(list(config["Volumes"]), ["/var/lib/tidings"])
        self.assertEqual(config["Labels"]["org.opencontainers.image.version"], "test")


if __name__ == "__main__":
    unittest.main()
