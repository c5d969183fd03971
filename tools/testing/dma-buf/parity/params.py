#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compare the module parameters of the C files of drivers/dma-buf with those of what we link: module, name, type.

Built in, the parameters are in modules.builtin.modinfo, unless the linker has thrown all of that away (CONFIG_LD_DEAD_CODE_DATA_ELIMINATION
in 7.3): then what they were is in the objects. In modules they are in these. Permissions are compared by the
guest job "inventory", which sees the files in sysfs.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import csource
import symbols

PARAM = re.compile(r"\bmodule_param(?P<form>\w*)\s*\(\s*(?P<words>[^)]*)\)")
OURS = {"dma_buf", "dma_heap", "system_heap", "cma_heap", "udmabuf", "sw_sync"}


def of_sources(directory, config):
    """{(module, parameter): type} of the C files that are linked under config."""
    found = {}
    for path in symbols.compiled(directory, config):
        text = csource.without_comments(path.with_suffix(".c").read_text())
        for param in PARAM.finditer(text):
            words = [word.strip() for word in param["words"].split(",")]
            if param["form"] not in ("", "_named") or len(words) != (4 if param["form"] else 3):
                raise ValueError(f"{path}: {param[0]}: not understood")
            found[path.name.replace("-", "_"), words[0]] = words[-2]
    return found


def modinfo(build, objcopy, modules):
    """The records of .modinfo of the kernel and of modules: "module.key=value"."""

    def section(path, there):
        command = [objcopy, "--dump-section", ".modinfo=/dev/stdout", path, "/dev/null"]
        return subprocess.run(command, check=there, capture_output=True).stdout.decode().split("\0")

    builtin = (build / "modules.builtin.modinfo").read_bytes().strip(b"\0")
    if builtin:
        yield from builtin.decode().split("\0")
    else:
        for path in (build / "drivers/dma-buf").rglob("*.o"):
            # not each has one; what belongs to a module has no name of one in front
            yield from section(path, False)
    for module in modules:
        name = module.stem.replace("-", "_")
        yield from (f"{name}.{record}" for record in section(build / module, True))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sources", type=Path, required=True, help="drivers/dma-buf of a pristine kernel tree")
    parser.add_argument("--build", type=Path, required=True, help="object directory")
    parser.add_argument("--objcopy", default="llvm-objcopy")
    args = parser.parse_args()

    config = csource.read_config(args.build / ".config")
    wanted = of_sources(args.sources, config)
    order = (args.build / "modules.order").read_text().split()
    modules = [Path(name).with_suffix(".ko") for name in order if name.startswith("drivers/dma-buf/") and "kunit" not in name]
    ours = {}
    for record in modinfo(args.build, args.objcopy, modules):
        param = re.match(r"(\w+)\.parmtype=(\w+):(\w+)$", record)
        if param and param[1] in OURS:
            ours[param[1], param[2]] = param[3]
    bad = [f"{module}.{name}: {ours.get((module, name))}; in C: {wanted.get((module, name))}"
           for module, name in sorted(wanted.keys() | ours.keys()) if ours.get((module, name)) != wanted.get((module, name))]
    print(f"{len(wanted)} parameters in C, {len(ours)} in our objects, {len(bad)} differ")
    print(*bad, sep="\n")
    return 1 if bad or not wanted else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ValueError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")
