#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Clippy for our Rust and W=1 for our C, without another build: what kbuild has run for our objects is run again as a check.

The compilers' messages go to standard output. Exit status 1 if a command fails, or if there is nothing to check.
"""

import argparse
import concurrent.futures
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from snippets import saved_command


def commands(build, files):
    """(.cmd file, directory in which its command runs) for each of our objects that there is."""
    places = [(build, build)]
    places += [(mods, mods) for mods in sorted((build / "guest-modules").glob("*")) if mods.is_dir()]
    found = {}
    for file in map(Path, files):
        if file.parts[:2] == ("rust", "kernel"):
            names = ["rust/.kernel.o.cmd"]
        elif file.parts[:2] == ("rust", "helpers"):
            # one file that includes the others; the second is what is inlined into Rust
            names = ["rust/helpers/.helpers.o.cmd", "rust/helpers/.helpers.bc.cmd"]
        else:
            names = [str(file.parent / f".{file.stem}.o.cmd"), f".{file.stem}.o.cmd"]
        for place, directory in places:
            for name in names:
                # a module of several files is linked, under a name that a program may have, too
                if (place / name).exists() and is_compiled(place / name):
                    found[place / name] = directory
    return found


def is_compiled(file):
    """Whether the command makes an object of a source."""
    return any(word.endswith((".c", ".rs")) for word in saved_command(file))


def strict_rust(words, clippy, out):
    """As clippy sees it: no machine code."""
    result, skip = [], False
    for word in words:
        if skip or word.startswith("--emit="):
            skip = False
        elif word == "--out-dir":
            skip = True
        else:
            result.append(clippy if word.endswith("/rustc") else word)
    return ["env", "RUSTC_BOOTSTRAP=1", *result, f"--emit=metadata={out}"]


def strict_c(words, plain, strict, out):
    """With all warnings (the kernel is built without), and those of W=1: what a command with it has, without what it has not."""
    dropped = {"-w", *(word for word in plain if word not in strict)}
    result = [word for word in words if not word.startswith("-Wp,-MMD") and word not in dropped]
    result[result.index("-o") + 1] = out
    return result + [word for word in strict if word.startswith("-W") and word not in plain]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True, help="object directory of the kernel")
    parser.add_argument("--plain", type=Path, required=True, help="saved command of a C object")
    parser.add_argument("--strict", type=Path, required=True, help="saved command of the same object with W=1")
    parser.add_argument("--clippy", required=True, help="clippy-driver")
    parser.add_argument("--conf", required=True, help="the directory of .clippy.toml")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("files", nargs="+", help="our sources, as paths in the kernel tree")
    args = parser.parse_args()
    plain, strict = saved_command(args.plain), saved_command(args.strict)
    if not any(word.startswith("-W") and word not in plain for word in strict):
        sys.exit("W=1 makes no difference: are these the two commands?")
    environment = dict(os.environ, CLIPPY_CONF_DIR=args.conf)

    def check(number, file, directory):
        words = saved_command(file)
        out = f"{scratch}/{number}"
        is_rust = any(word.endswith("/rustc") for word in words)
        command = strict_rust(words, args.clippy, out) if is_rust else strict_c(words, plain, strict, out)
        run = subprocess.run(
            command, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        return f"  {'CLIPPY' if is_rust else 'W=1'} {file}\n{run.stdout}", run.returncode

    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        work = [(number, *each) for number, each in enumerate(commands(args.build.resolve(), args.files).items())]
        results = list(pool.map(lambda each: check(*each), work))
    for text, _ in results:
        print(text, end="", flush=True)
    print(f"{len(results)} objects checked")
    sys.exit(1 if not results or any(status for _, status in results) else 0)


if __name__ == "__main__":
    main()
