# SPDX-License-Identifier: GPL-2.0
"""How large the code is, module by module, and how much of it does what C does not do: a part of bench.py."""

import re
import sys
from pathlib import Path

# Which module an object belongs to, in C and in Rust; the first that matches.
MODULES = [
    (r"sw_sync|sync_debug", "sw_sync"),
    (r"udmabuf", "udmabuf"),
    (r"heaps/system_heap", "system_heap"),
    (r"heaps/cma_heap", "cma_heap"),
    (r"dma-heap|/heap/", "dma-heap"),
    (r"", "dma-buf"),
]
SECTIONS = {".text": r"\.(text|init\.text|exit\.text)", ".rodata": r"\.(rodata|init\.rodata)", ".data": r"\.(data|init\.data|bss)"}
# What the kernel crate holds for all, of which the C core needs nothing
CRATE = "kernel crate"
ONLY_RUST = Path(__file__).parent / "configs" / "bench-code.txt"
KINDS = {".text": "tTwW", ".rodata": "rR", ".data": "dDbB"}


def module_of(path):
    return next(module for pattern, module in MODULES if re.search(pattern, path))


def sizes(path):
    """Module -> section -> bytes, from llvm-size -A of our objects, and from llvm-nm -S of the crate's (lines "nm ADDRESS SIZE KIND NAME")."""
    found = {module: dict.fromkeys(SECTIONS, 0) for module in [module for _, module in reversed(MODULES)] + [CRATE]}
    module = None
    for line in path.read_text().splitlines():
        if line.startswith("drivers/dma-buf/"):
            module = module_of(line)
        elif line.startswith("nm "):
            _, _, size, kind, _ = line.split(" ", 4)
            for section, kinds in KINDS.items():
                found[CRATE][section] += int(size, 16) if kind in kinds else 0
        elif re.match(r"\.\S+\s+\d+", line):
            name, size = line.split()[:2]
            for section, pattern in SECTIONS.items():
                found[module][section] += int(size) if re.match(pattern, name) else 0
    return found


def functions(path):
    """(module, name, bytes) of each function, from llvm-nm -S of our objects (lines "sym OBJECT: ADDRESS SIZE KIND NAME") and of the crate."""
    for line in path.read_text().splitlines():
        match = re.match(r"(?:nm|sym (?P<object>\S+):) \S+ (?P<size>[0-9a-f]{16}) (?P<kind>[a-zA-Z]) (?P<name>.*)", line)
        if match and match["kind"] in KINDS[".text"]:
            yield module_of(match["object"]) if match["object"] else CRATE, match["name"], int(match["size"], 16)


def only_rust(path):
    """What C does not do at all: (module, name, bytes, why), as the list says. Each of its lines must be of use."""
    found, known = [], list(functions(path))
    for line in ONLY_RUST.read_text().splitlines():
        if line.startswith("#"):
            continue
        module, pattern, why = re.fullmatch(r"([^:]+): (.*) => (.*)", line).groups()
        matching = [function for function in known if function[0] == module and re.search(pattern, function[1])]
        if not matching:
            sys.exit(f"{ONLY_RUST}: no function of {module} is found by {pattern}")
        # what one pattern has found is not counted for another, nor are those of the same name one
        known = [function for function in known if function not in matching]
        found += [(*function, why) for function in matching]
    return sorted(found, key=lambda function: -function[2])


def table(c_path, rust_path):
    c, rust = sizes(c_path), sizes(rust_path)
    c[CRATE] = dict.fromkeys(SECTIONS, 0)
    results = {}
    print(f"\n{'code: bytes':15}" + "".join(f" {section + ':':>8} {'C':>7} {'Rust':>7}  ratio" for section in SECTIONS))
    for module in [*c, "all"]:
        line, results[module] = f"{module:15}", {}
        for section in SECTIONS:
            bytes_ = [sum(sizes_[one][section] for one in sizes_) if module == "all" else sizes_[module][section] for sizes_ in (c, rust)]
            results[module][section] = dict(zip(("c", "rust"), bytes_))
            line += f" {'':8} {bytes_[0]:7} {bytes_[1]:7} " + (f"{bytes_[1] / bytes_[0]:6.3f}" if bytes_[0] else "     -")
        print(line)
    extra, text = only_rust(rust_path), results["all"][".text"]
    text["only_rust"] = [f"{size} {module}: {name}" for module, name, size, _ in extra]
    less = text["rust"] - sum(size for _, _, size, _ in extra)
    print(f"{'what C does, too':15} {'':7} {text['c']:7} {less:7} {less / text['c']:6.3f}")
    print("\nwhat C does not do: bytes of .text")
    for why in dict.fromkeys(why for *_, why in extra):
        these = [function for function in extra if function[3] == why]
        print(f"{sum(size for _, _, size, _ in these):6} {why}")
        for module, name, size, _ in these:
            print(f"{size:14} {module}: {name[:110]}")
    return results
