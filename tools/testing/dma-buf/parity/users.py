#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Which modules of a build use dma-buf: how many symbols of ours each imports, and through what else it depends on us.

The list has a module a line, with the machines that have it if not all do. A module on it fails the test if it was
not built, or if neither it nor anything it depends on imports a symbol of ours. The rest is for information.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

OURS = "drivers/dma-buf/"


def listed(path, machine):
    """Names of the modules that must be there on one machine."""
    for line in path.read_text().splitlines():
        name, *machines = line.partition("#")[0].split() or [None]
        if name and (not machines or machine in machines):
            yield name


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True, help="object directory")
    parser.add_argument("--list", type=Path, required=True)
    parser.add_argument("--machine", required=True)
    parser.add_argument("--nm", default="llvm-nm")
    args = parser.parse_args()

    owner = {}
    for line in (args.build / "Module.symvers").read_text().splitlines():
        _, symbol, module, _ = line.split("\t", 3)
        owner[symbol] = module
    imports = {}  # module -> symbols of others, by module
    for name in (args.build / "modules.order").read_text().split():
        module = name.removesuffix(".o")
        out = subprocess.run([args.nm, "--undefined-only", "--format=just-symbols", args.build / (module + ".ko")],
                             check=True, capture_output=True, text=True).stdout
        used = imports[module] = {}
        for symbol in re.findall(r"\S+", out):
            used.setdefault(owner.get(symbol), []).append(symbol)
    paths = {module.rpartition("/")[2]: module for module in imports}

    def through(module, seen):
        """Modules between this one and us; None if there are none and it does not use us itself."""
        for other in sorted(filter(None, imports.get(module, {}))):
            if other.startswith(OURS):
                return []
        for other in sorted(filter(None, imports.get(module, {}))):
            if other != "vmlinux" and other not in seen:
                seen.add(other)
                rest = through(other, seen)
                if rest is not None:
                    return [other.rpartition("/")[2], *rest]
        return None

    bad = []
    wanted = list(listed(args.list, args.machine))
    for name in wanted:
        if name not in paths:
            bad.append(f"{name}: not built")
        elif through(paths[name], set()) is None:
            bad.append(f"{name}: uses no symbol of dma-buf, directly or through another module")
    direct = 0
    for name, module in sorted(paths.items()):
        count = sum(len(symbols) for other, symbols in imports[module].items() if other and other.startswith(OURS))
        way = through(module, set())
        if module.startswith(OURS) or way is None:
            continue
        direct += count > 0
        print(f"{name}: {count} symbols" + ("" if count else ", by way of " + ", ".join(way)) + ("" if name in wanted else " (not on the list)"))
    print(f"{len(wanted)} modules on the list; {direct} modules import symbols of ours")
    print(*bad, sep="\n")
    return 1 if bad or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
