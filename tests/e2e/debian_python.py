# SPDX-License-Identifier: MIT
"""Debian's Python modules (python3-redis, ...) for tests that CMake may have started with another
Python than Debian's."""
import importlib.util
import os
import sys

DEBIAN = "/usr/bin/python3"


def need(*modules):
    """Runs this test file with Debian's Python where this one lacks a module; skips it with a word
    where that one lacks it, too."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if not missing:
        return
    if os.path.exists(DEBIAN) and not os.path.samefile(os.path.realpath(sys.executable), DEBIAN):
        os.execv(DEBIAN, [DEBIAN, "-B", *sys.argv])
    print(f"skipped: no Python module {', '.join(missing)}: deps/install --tests")
    sys.exit(0)
