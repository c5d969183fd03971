#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The table of what we export: header and place of each symbol, what locks it wants and takes, and which tests call it.

Symbols, places, and the locks that callers hold are read from the code, tests in C that call a symbol by name from theirs;
configs/exported.txt has the rest. It is an error if a symbol has no header for C callers.
"""

import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "parity"))
import csource

OURS = "drivers/dma-buf/rust"
# Rust alone calls these, by what bindgen makes of this file.
HELPERS = {"rust_helper_dma_resv_lock", "rust_helper_dma_resv_unlock"}
HELPERS_IN = "rust/helpers/dma-resv.c"
EXPORT = re.compile(r"^EXPORT_SYMBOL\w*\((\w+)", re.MULTILINE)
SUITE = re.compile(r'\.name = "(dma-buf-[a-z-]+)",')
# Who of the C modules of our kselftests belongs to which program.
PROGRAMS = {
    "attach": "buf_attach",
    "view": "c_view",
    "calls": "c_view",
    "failing_buffers": "fail_each",
    "failing_fences": "fail_each",
    "failing_heaps": "fail_each",
    "failing_memory": "fail_each",
    "failing_misuse": "misuse",
    "failing_misuse_fences": "misuse",
    "heap_limit": "heap_limit",
    "heap_owned": "heap_owned",
}
# What the type of an argument, or a check in the body, says of the locks that the caller holds.
HELD = (
    (r"\bLocked<'_>", "the fence's lock"),
    (r"\b(Held|Sure)<|\bLocked<'_, |assert_locked\(", "the reservation object"),
)

HEAD = """\
.. SPDX-License-Identifier: GPL-2.0

=================================
DMA-BUF in Rust: exported symbols
=================================

Made by ``tools/testing/dma-buf/lib/exported.py`` of the repository from the code, and from
``configs/exported.txt`` beside it; ``make check T=exported`` compares. *Held* is what the caller must
hold, *taken* what the function locks beyond that. What exporters, issuers and callbacks lock is theirs,
and dropping a last reference may take more. Under each symbol is the header that declares it; paths
are below ``drivers/dma-buf/rust``. Tests are programs of our kselftests, our KUnit suites (``rust_*``) and
upstream's (``dma-buf-*``).

.. list-table::
   :header-rows: 1
   :widths: 30 20 15 15 20

   * - Symbol
     - Where
     - Held
     - Taken
     - Tests
"""


class Wrong(Exception):
    pass


def code_of(path):
    return csource.without_comments(path.read_text())


def symbols(top):
    """name -> the C file that exports it."""
    return {name: path for path in sorted((top / OURS).rglob("*.c")) for name in EXPORT.findall(path.read_text())}


def headers(top, pristine):
    """Of include/linux: those of DMA-BUF, each with its code."""
    places = [*(pristine / "include/linux").glob("*.h"), *(top / "include/linux").glob("*.h")]
    return {path.name: code_of(path) for path in places if re.match(r"(dma-(buf|fence|resv|heap)|sync_file)", path.name)}


def declared(name, texts):
    for header, text in sorted(texts.items()):
        if re.search(rf"\b{name}\s*(\(|;|\[)", text):
            return header
    return None


def in_rust(name, top):
    """The file of a function or static, and what it says of locks."""
    for path in sorted((top / OURS).rglob("*.rs")):
        text = path.read_text()
        found = re.search(rf"^    fn {name}\((.*?)^    }}", text, re.MULTILINE | re.DOTALL)
        if found or f'#[export_name = "{name}"]' in text:
            held = [words for pattern, words in HELD if found and re.search(pattern, found[1])]
            return path, ", ".join(held)
    return None, ""


def tests_in_c(name, suites):
    return [suite for suite, text in suites.items() if re.search(rf"\b{name}\b", text)]


def suites_in_c(top, pristine):
    found = {}
    for path in sorted((pristine / "drivers/dma-buf").glob("st-*.c")):
        found[SUITE.search(path.read_text())[1]] = code_of(path)
    for module, program in PROGRAMS.items():
        code = code_of(top / f"tools/testing/selftests/dma-buf-rust/test_modules/{module}.c")
        found[program] = found.get(program, "") + code
    return found


def known_tests(top, suites):
    kunit = "".join(path.read_text() for path in (top / OURS / "kunit").glob("*.rs"))
    programs = {path.stem for path in (top / "tools/testing/selftests/dma-buf-rust").glob("*.c")}
    return set(re.findall(r"#\[kunit_tests\((\w+)\)\]", kunit)) | programs | set(suites)


def said(path):
    """name -> (locks taken, tests)."""
    told = {}
    for line in path.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        names, rest = line.split(": ", 1)
        locks, tests = rest.split(" | ")
        for name in names.split():
            if name in told:
                raise Wrong(f"{path.name}: {name} twice")
            told[name] = (locks, [] if tests == "--" else tests.split())
    return told


def table(top, pristine, told):
    names, texts, suites = symbols(top), headers(top, pristine), suites_in_c(top, pristine)
    known, bad, rows = known_tests(top, suites), [], []
    bad += [f"{name}: in exported.txt, but nothing exports it" for name in sorted(told.keys() - names.keys())]
    for name, exporter in sorted(names.items(), key=lambda item: item[0].lstrip("_")):
        header = HELPERS_IN if name in HELPERS else declared(name, texts)
        if not header:
            bad.append(f"{name}: no header of include/linux declares it")
        if name not in told:
            bad.append(f"{name}: exported.txt does not say what it locks")
            continue
        locks, tests = told[name]
        path, held = in_rust(name, top)
        tests = sorted({*tests, *tests_in_c(name, suites)})
        bad += [f"{name}: there is no test {test}" for test in tests if test not in known]
        where = (path or exporter).relative_to(top / OURS)
        tested = ", ".join(f"``{test}``" for test in tests)
        cells = [f"| ``{name}``\n       | ``{header}``", f"``{where}``", held or "--", locks, tested or "--"]
        rows.append("   * - " + "\n     - ".join(cells) + "\n")
    if bad:
        raise Wrong("\n".join(bad))
    return HEAD + "".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("write", "check"))
    parser.add_argument("--checkout", type=Path, required=True)
    parser.add_argument("--pristine", type=Path, required=True)
    parser.add_argument("--said", type=Path, required=True)
    parser.add_argument("page", type=Path)
    args = parser.parse_args()
    try:
        text = table(args.checkout.resolve(), args.pristine, said(args.said))
    except Wrong as wrong:
        sys.exit(f"{wrong}")
    if args.what == "write":
        args.page.write_text(text)
    elif not args.page.exists() or args.page.read_text() != text:
        sys.exit(f"{args.page} is not what the code says: ACCEPT=1 make check T=exported writes it anew")


if __name__ == "__main__":
    main()
