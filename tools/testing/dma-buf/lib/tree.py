#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Make the source tree kbuild runs in: links to a pristine tree, patched copies, links to the checkout.

Only what differs is touched, so that kbuild rebuilds exactly what changed. The pristine
tree is never written to: a file that must differ replaces its link.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OVERLAY = ("rust", "drivers", "samples", "Documentation", "include", "tools/testing/selftests")
STATE = ".rust-dma-buf.json"


def listed(directory, *folders):
    """Paths of a tree: what git lists where there is git, else all there is."""
    command = ["git", "-c", "safe.directory=*", "-C", str(directory)]
    top = subprocess.run(command + ["rev-parse", "--show-cdup"], capture_output=True, text=True)
    if top.returncode == 0 and not top.stdout.strip():
        command += ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *folders]
        out = subprocess.run(command, check=True, capture_output=True).stdout
        names = {os.fsdecode(name) for name in out.split(b"\0") if name}
    else:
        names = set()
        for folder in folders or (".",):
            for where, _, files in os.walk(directory / folder):
                names.update(os.path.relpath(os.path.join(where, file), directory) for file in files)
    return {name for name in names if os.path.lexists(directory / name) and not (directory / name).is_dir()}


def link_to(source, target, links):
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink() or target.exists():
        target.unlink()
    if links == "hard":
        os.link(source, target, follow_symlinks=False)
    else:
        target.symlink_to(source)


def make_farm(pristine, tree, links):
    """The whole pristine tree as links, complete or not there at all."""
    part = Path(tempfile.mkdtemp(prefix="tmp.", dir=tree.parent))
    names = sorted(listed(pristine)) if links == "symbolic" else None
    if names is None:
        part.rmdir()
        shutil.copytree(pristine, part, symlinks=True, copy_function=lambda s, d: os.link(s, d, follow_symlinks=False))
    else:
        for name in names:
            link_to(pristine / name, part / name, links)
    (part / STATE).write_text(json.dumps({"overlay": {}, "patched": [], "farm": names}))
    part.rename(tree)


def follow_pristine(pristine, tree, state):
    """A user's own tree changes under us: take new files in, drop links whose file went."""
    now = listed(pristine)
    for name in set(state["farm"]) - now:
        if (tree / name).is_symlink():
            (tree / name).unlink()
    taken = set(state["overlay"]) | set(state["patched"])
    for name in now - set(state["farm"]) - taken:
        link_to(pristine / name, tree / name, "symbolic")
    state["farm"] = sorted(now)


def restore(pristine, tree, name, links):
    """Back to the pristine content, with a new time stamp so that kbuild notices."""
    target = tree / name
    if target.is_symlink() or target.exists():
        target.unlink()
    if not (pristine / name).exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if links == "hard":
        shutil.copyfile(pristine / name, target)
        shutil.copymode(pristine / name, target)
    else:
        target.symlink_to(pristine / name)


def touched_in(patch):
    """The files that the text of a patch is about."""
    names = set()
    for line in patch.splitlines():
        if line.startswith(("--- a/", "+++ b/")):
            names.add(line[6:].split("\t")[0])
    return names


def patched_files(pristine, checkout, scratch):
    """Apply the patches to copies in scratch; nothing is laid before all of them fit."""
    patches = sorted((checkout / "patches").glob("*.patch"))
    wanted = set().union(*(touched_in(patch.read_text()) for patch in patches))
    for name in wanted:
        if (pristine / name).exists():
            (scratch / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(pristine / name, scratch / name)
            shutil.copymode(pristine / name, scratch / name)
    for patch in patches:
        print("patch", patch.name, flush=True)
        subprocess.run(["patch", "-p1", "--forward", "--no-backup-if-mismatch", "-d", scratch, "-i", patch], check=True)
    return wanted


def lay_patched(pristine, tree, scratch, wanted, state, links):
    for name in set(state["patched"]) - wanted:
        restore(pristine, tree, name, links)
    for name in wanted:
        new, old = scratch / name, tree / name
        if not new.exists():
            old.unlink(missing_ok=True)
        elif old.is_symlink() or not old.exists() or new.read_bytes() != old.read_bytes():
            old.unlink(missing_ok=True)
            old.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(new, old)
            shutil.copymode(new, old)
            print("changed", name)
    state["patched"] = sorted(wanted)


def lay_overlay(pristine, tree, wanted, state, links):
    for name in sorted(set(state["overlay"]) - set(wanted)):
        print("gone", name)
        restore(pristine, tree, name, links)
        folder = (tree / name).parent
        while not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent
    for name, source in sorted(wanted.items()):
        target = tree / name
        if not target.is_symlink() or os.readlink(target) != source:
            target.unlink(missing_ok=True)
            link_to(Path(source), target, "symbolic")
            print("link", name)
    state["overlay"] = wanted


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("pristine", "checkout", "tree"):
        parser.add_argument("--" + name, type=Path, required=True)
    parser.add_argument("--links", choices=("hard", "symbolic"), required=True)
    args = parser.parse_args()

    args.tree.parent.mkdir(parents=True, exist_ok=True)
    if not (args.tree / STATE).exists():
        if args.tree.exists():
            shutil.rmtree(args.tree)
        make_farm(args.pristine, args.tree, args.links)
    state = json.loads((args.tree / STATE).read_text())
    overlay = {name: str(args.checkout / name) for name in listed(args.checkout, *OVERLAY)}
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        patched = patched_files(args.pristine, args.checkout, scratch)
        for name in sorted(patched & set(overlay)):
            sys.exit(f"{name} is both in the checkout and changed by a patch: keep one of the two")
        try:
            if args.links == "symbolic":
                follow_pristine(args.pristine, args.tree, state)
            lay_patched(args.pristine, args.tree, scratch, patched, state, args.links)
            lay_overlay(args.pristine, args.tree, overlay, state, args.links)
        except BaseException:
            # half-laid: forget the tree, it is only links
            (args.tree / STATE).unlink()
            raise
    part = args.tree / (STATE + ".new")
    part.write_text(json.dumps(state))
    part.rename(args.tree / STATE)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.cmd[0]} failed with status {error.returncode}: {' '.join(map(str, error.cmd))}")
