#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Put the overlay and its hooks into somebody's own kernel tree, or take them out again.

All or nothing: what is to become of each file is worked out first, and written only if everything fits. What was done is kept
in the tree, in a file that the kernel's .gitignore covers.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tree import OVERLAY, listed, touched_in

STATE = ".rust-dma-buf-install.json"


class Conflict(Exception):
    """What stands in the way, a line each."""


class Tree:
    """A kernel tree, and what is to become of its files."""

    def __init__(self, root):
        self.root, self.changes = root, {}

    def read(self, name):
        if name in self.changes:
            return self.changes[name]
        path = self.root / name
        return path.read_bytes() if path.is_file() else None

    def write(self, name, content):
        self.changes[name] = content

    def patch(self, text, *options):
        """Applies a patch to copies. Conflicts are returned, and then nothing is changed."""
        touched = sorted(touched_in(text))
        with tempfile.TemporaryDirectory() as scratch:
            scratch = Path(scratch)
            for name in touched:
                if (content := self.read(name)) is not None:
                    (scratch / name).parent.mkdir(parents=True, exist_ok=True)
                    (scratch / name).write_bytes(content)
            command = ["patch", "-p1", "--fuzz=0", "--no-backup-if-mismatch", "--batch", *options, "-d", scratch]
            run = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
            if run.returncode:
                return conflicts_in(run.stdout) or [run.stdout.strip() or run.stderr.strip()]
            for name in touched:
                now = scratch / name
                self.write(name, now.read_bytes() if now.exists() else None)
        return []

    def commit(self, modes):
        """Each file at once: never half of one, and nothing that another tree has a hard link to is written."""
        for name, content in self.changes.items():
            path = self.root / name
            if content is None:
                path.unlink(missing_ok=True)
            elif not path.is_file() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                part = path.with_name(f".{path.name}.new")
                part.write_bytes(content)
                part.chmod(modes.get(name) or path.stat().st_mode)
                part.replace(path)


def conflicts_in(output):
    """From what patch says: FILE: what does not fit."""
    found, file = [], "?"
    for line in output.splitlines():
        if match := re.match(r"(?:patching|checking) file '?([^' ]+)", line):
            file = match[1]
        elif re.match(r"Hunk .* FAILED", line) or "ignored" in line or "can't find file" in line:
            found.append(f"{file}: {line.strip().partition(' -- ')[0]}")
    return found


def digest(content):
    return hashlib.sha256(content).hexdigest()


def version_of(root):
    makefile = root / "Makefile"
    text = makefile.read_text(errors="replace") if makefile.is_file() else ""
    parts = dict(re.findall(r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION) = ?(.*)$", text, re.MULTILINE))
    if "PATCHLEVEL" not in parts or not (root / "drivers/dma-buf").is_dir():
        sys.exit(f"{root} is no kernel tree: give the directory of one, KDIR=/path/to/linux")
    return f"{parts['VERSION']}.{parts['PATCHLEVEL']}.{parts.get('SUBLEVEL', '0')}{parts.get('EXTRAVERSION', '')}"


def take_out(tree, state):
    """Back to what the tree was, but for what its owner has changed since in files of the kernel."""
    in_the_way = []
    for name, known in state["files"].items():
        content = tree.read(name)
        if content is not None and digest(content) != known:
            in_the_way.append(f"{name}: changed since it was installed: save what you want to keep, and remove it")
        tree.write(name, None)
    for name, text in reversed(state["hooks"]):
        in_the_way += [f"hook {name}: {line}" for line in tree.patch(text, "--reverse")]
    if in_the_way:
        raise Conflict("\n".join(in_the_way))


def put_in(tree, checkout):
    """What was put in: the state to be kept, and the modes of new files."""
    state, in_the_way, modes = {"files": {}, "hooks": []}, [], {}
    for name in sorted(listed(checkout, *OVERLAY)):
        content = (checkout / name).read_bytes()
        if tree.read(name) is not None:
            in_the_way.append(f"{name}: the tree has a file of this name that is not ours")
        tree.write(name, content)
        state["files"][name] = digest(content)
        modes[name] = (checkout / name).stat().st_mode & 0o777
    for patch in sorted((checkout / "patches").glob("*.patch")):
        name, text = f"patches/{patch.name}", patch.read_text()
        in_the_way += [f"hook {name}: {line}" for line in tree.patch(text, "--forward")]
        state["hooks"].append([name, text])
    if in_the_way:
        raise Conflict("\n".join(in_the_way))
    return state, modes


def sweep(root, names):
    """Removes the directories that are empty now."""
    for folder in sorted({parent for name in names for parent in Path(name).parents}, reverse=True):
        place = root / folder
        if folder.parts and place.is_dir() and not any(place.iterdir()):
            place.rmdir()


def install(root, checkout):
    version, tree, kept = version_of(root), Tree(root), root / STATE
    old = json.loads(kept.read_text()) if kept.exists() else {"files": {}, "hooks": []}
    take_out(tree, old)
    state, modes = put_in(tree, checkout)
    hooked = sorted(set().union(*(touched_in(text) for _, text in state["hooks"])))
    # first, so that what is interrupted can be taken out
    kept.write_text(json.dumps({**state, "files": {**old["files"], **state["files"]}}))
    tree.commit(modes)
    kept.write_text(json.dumps(state))
    sweep(root, old["files"])
    print(f"{root} (Linux {version}): {'again ' if old['files'] else ''}{len(state['files'])} new files, and hooks in these:")
    print(*(f"  {name}" for name in hooked), sep="\n")
    print(
        "To use it: CONFIG_RUST=y, CONFIG_DMABUF_CORE_RUST=y (Device Drivers, DMABUF options), as\n"
        f"  cd {root} && make LLVM=1 rustavailable && scripts/config -e RUST -e DMABUF_CORE_RUST && make LLVM=1 olddefconfig\n"
        f"To take it out: make uninstall KDIR={root}"
    )


def uninstall(root):
    version, tree, kept = version_of(root), Tree(root), root / STATE
    if not kept.exists():
        sys.exit(f"{root} has no {STATE}: nothing was installed there")
    state = json.loads(kept.read_text())
    take_out(tree, state)
    tree.commit({})
    sweep(root, state["files"])
    kept.unlink()
    print(f"{root} (Linux {version}): {len(state['files'])} files and {len(state['hooks'])} patches of hooks are out again")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("install", "uninstall"))
    parser.add_argument("--checkout", type=Path, required=True)
    parser.add_argument("root", type=Path, help="the kernel tree")
    args = parser.parse_args()
    root = args.root.resolve()
    try:
        if args.what == "install":
            install(root, args.checkout)
        else:
            uninstall(root)
    except Conflict as conflict:
        sys.exit(f"{root}: nothing was changed, because of\n{conflict}")
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        sys.exit(f"{error.filename or root}: {error.strerror}: not all was done: run the same command again when that is mended")


if __name__ == "__main__":
    main()
