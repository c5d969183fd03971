#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Copy programs and plugins of a distribution, with the libraries that they need, and nothing else.

  closure.py --readelf PROGRAM --from DIR --to DIR FILE...

FILE is a path below --from, or a pattern that finds at least one. Links are followed, and stay links.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

NEEDED = re.compile(r"\(NEEDED\).*\[(.*)\]|Requesting program interpreter: (.*)\]")


def copy(root, out, name):
    """Copy a file, and what it is a link to; returns the path of the file itself."""
    while True:
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (root / name).is_symlink():
            shutil.copy2(root / name, target)
            return root / name
        link = os.readlink(root / name)
        if not target.is_symlink():
            target.symlink_to(link)
        name = Path(os.path.normpath(os.path.join("/", name.parent, link))).relative_to("/")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--readelf", required=True)
    parser.add_argument("--from", dest="root", type=Path, required=True)
    parser.add_argument("--to", dest="out", type=Path, required=True)
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    libraries = {}
    for path in args.root.glob("**/*.so*"):
        libraries.setdefault(path.name, path.relative_to(args.root))
    todo = []
    for pattern in args.files:
        found = sorted(args.root.glob(pattern))
        if not found:
            sys.exit(f"no {pattern} in {args.root}")
        todo += [path.relative_to(args.root) for path in found]
    done = set()
    while todo:
        name = todo.pop()
        if name in done:
            continue
        done.add(name)
        file = copy(args.root, args.out, name)
        elf = subprocess.run([args.readelf, "-l", "-d", file], capture_output=True, text=True, check=True).stdout
        for library, loader in NEEDED.findall(elf):
            if loader:
                # its path is fixed; a distribution may have it in /usr, behind a link
                loader = Path(loader.lstrip("/"))
                if not (args.root / loader).exists():
                    (args.out / loader).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(args.root / "usr" / loader, args.out / loader)
                    continue
            need = loader or libraries.get(library)
            if need is None:
                sys.exit(f"{name} needs {library}, which is not in {args.root}")
            todo.append(need)


main()
