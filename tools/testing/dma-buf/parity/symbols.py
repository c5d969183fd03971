#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compare what the C files of drivers/dma-buf export with what our objects export: name, namespace, licence.

The C side is read from the sources, under the configuration of the build; our side from the objects that
are linked (names) and from the build's Module.symvers (what modpost says of each).
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import csource

# What we export beyond the C files, with the reason. Each is described in Documentation/driver-api/dma-buf-rust.rst.
ADDITIONS = {
    # heaps that can be removed
    "dma_heap_add_owned": ("GPL", "DMA_BUF_HEAP"),
    "dma_heap_remove": ("GPL", "DMA_BUF_HEAP"),
    # helpers of the kernel crate that would refer to dma-buf from vmlinux: in dma-buf.ko, where helpers are not inlined
    "rust_helper_dma_resv_lock": ("GPL", ""),
    "rust_helper_dma_resv_unlock": ("GPL", ""),
}

ANY_EXPORT = re.compile(r"\bEXPORT_\w+")
EXPORT = re.compile(
    r"\b(?P<macro>EXPORT_(?:SYMBOL(?:_NS)?(?:_GPL)?(?:_FOR_MODULES)?|TRACEPOINT_SYMBOL(?:_GPL)?))"
    r'\s*\(\s*(?P<name>\w+)\s*(?:,\s*"(?P<namespace>[^"]*)"\s*)?\)'
)
# What an object holds besides code: upstream's Makefile says under which option it is there.
RULE = re.compile(r"^obj-(?:\$\(CONFIG_(\w+)\)|y)\s*[:+]?=\s*(.*)$")


def exported(macro, name, namespace, config):
    """The symbols behind one export: name -> (licence, namespace)."""
    licence = "GPL" if macro.endswith("_GPL") else ""
    if macro.endswith("_FOR_MODULES"):
        return {name: ("GPL", "module:" + (namespace or ""))}
    if "TRACEPOINT" not in macro:
        return {name: (licence, namespace or "")}
    if "TRACEPOINTS" not in config:
        return {}
    forms = ["__tracepoint_", "__traceiter_", "__SCK__tp_func_"]
    if "HAVE_STATIC_CALL" in config:
        forms.append("__SCT__tp_func_")
    return {form + name: (licence, "") for form in forms}


def compiled(directory, config):
    """Stems of the C files that upstream's Makefile links under this configuration; KUnit's suites are not among them."""
    found = set()
    for line in (directory / "Makefile").read_text().replace("\\\n", " ").splitlines():
        rule = RULE.match(line.strip())
        if not rule or rule[1] not in (config.keys() | {None}) - {"DMABUF_KUNIT_TEST"}:
            continue
        for name in rule[2].split():
            found |= compiled(directory / name, config) if name.endswith("/") else {directory / name[:-2]}
    return found


def of_sources(directory, config):
    """What the C files export under config, and how many exports they hold under any."""
    wanted, counts = {}, {}
    linked = compiled(directory, config)
    for path in sorted(directory.rglob("*.c")):
        text = path.read_text()
        found = EXPORT.findall(csource.without_comments(text))
        if len(found) != len(ANY_EXPORT.findall(text)):
            raise ValueError(f"{path}: {len(ANY_EXPORT.findall(text))} words EXPORT_*, {len(found)} understood")
        for macro, _, _ in found:
            counts["TRACEPOINT" in macro] = counts.get("TRACEPOINT" in macro, 0) + 1
        if not found or path.with_suffix("") not in linked:
            continue
        kept = "\n".join(line for _, line in csource.lines(csource.without_comments(text), config))
        for export in EXPORT.finditer(kept):
            wanted.update(exported(export["macro"], export["name"], export["namespace"], config))
    return wanted, counts.get(False, 0), counts.get(True, 0)


def of_objects(nm, top, objects):
    """Names that the objects export, with the object."""
    marked = {}
    for name in objects:
        out = subprocess.run([nm, "--format=just-symbols", top / name], check=True, capture_output=True, text=True).stdout
        for symbol in re.findall(r"^__export_symbol_(\w+)$", out, re.MULTILINE):
            marked[symbol] = name
    return marked


def of_symvers(path):
    """Module.symvers: name -> (licence, namespace)."""
    table = {}
    for line in path.read_text().splitlines():
        _, name, _, kind, namespace = line.split("\t")
        table[name] = ("GPL" if kind == "EXPORT_SYMBOL_GPL" else "", namespace)
    return table


def show(export):
    licence, namespace = export
    return f"{'GPL only' if licence else 'any licence'}, namespace {namespace or 'none'}"


def compare(wanted, ours, additions):
    """One line for each difference."""
    for name in sorted(wanted.keys() - ours.keys()):
        yield f"{name}: not exported ({show(wanted[name])} in C)"
    for name in sorted(wanted.keys() & ours.keys()):
        if wanted[name] != ours[name]:
            yield f"{name}: {show(ours[name])}; in C: {show(wanted[name])}"
    for name in sorted(ours.keys() - wanted.keys()):
        if name not in additions:
            yield f"{name}: exported, but not in C and not on the list of additions"
        elif additions[name] != ours[name]:
            yield f"{name}: {show(ours[name])}; on the list of additions: {show(additions[name])}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sources", type=Path, required=True, help="drivers/dma-buf of a pristine kernel tree")
    parser.add_argument("--build", type=Path, required=True, help="object directory")
    parser.add_argument("--objects", type=Path, required=True, help="list of the objects linked, relative to it")
    parser.add_argument("--document", type=Path, required=True, help="where each addition must be described")
    parser.add_argument("--from-c", type=Path, required=True, help="where the Rust form of each symbol of the C files must be")
    parser.add_argument("--nm", default="llvm-nm")
    args = parser.parse_args()

    config = csource.read_config(args.build / ".config")
    wanted, symbols, tracepoints = of_sources(args.sources, config)
    symvers = of_symvers(args.build / "Module.symvers")
    objects = [name for name in args.objects.read_text().split() if name.startswith("drivers/dma-buf/")]
    marked = of_objects(args.nm, args.build, objects)
    ours = {name: symvers[name] for name in marked if name in symvers}

    bad = [f"{name}: marked in {marked[name]}, but modpost does not know it" for name in sorted(marked.keys() - symvers.keys())]
    bad += compare(wanted, ours, ADDITIONS)
    document = args.document.read_text()
    bad += [f"{name}: an addition that {args.document.name} does not describe" for name in ADDITIONS if f"``{name}" not in document]
    told = set(re.findall(r"``(\w+)(?:\(\))?``", args.from_c.read_text()))
    of_drivers = {name for name in wanted if not name.startswith(("__tracepoint_", "__traceiter_", "__SCK__", "__SCT__"))}
    bad += [f"{name}: {args.from_c.name} does not tell its Rust form" for name in sorted(of_drivers - told)]
    print(f"C sources: {symbols} symbols and {tracepoints} tracepoints, {len(wanted)} symbols under this configuration")
    print(f"our objects: {len(ours)} symbols, {len(ours.keys() - wanted.keys())} of them additions")
    print(*bad, sep="\n")
    if not wanted or not ours:
        bad.append("nothing to compare")
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ValueError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")
