#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Whether each access without a lock has a model, and whether each model is still about the code that it was made of.

Sites are found in the text of our Rust, without comments, strings and `use` items:
  - an ordering (Acquire, Release, Full, Relaxed) that is named, so each access to an atomic; and a function that is one (atomic_*, xchg);
  - a barrier (smp_*), set_current_state(), an operation on a bit, on a reference count (refcount_*, file_ref_*, kref_*, Refcount's
    methods, those that read a file's or a page's) or on a module's, and the look at the owner of a lock;
  - what publishes by RCU or reads what is published (rcu_assign_pointer, list_add_rcu), what retires memory or waits for readers
    (call_rcu, kvfree_call_rcu, synchronize_rcu, rcu_barrier);
  - has(), which reads a flag of a fence and orders nothing;
  - a volatile access; and an access to a field of a C structure that changes while others may look (FIELDS): through a raw pointer, through
    the field's address, or through a reference that was made of a pointer in the same function. To take its address is none;
  - the walk of a list of C;
  - a helper in C that does one of that (HELPERS); each must be called by a name that is found.
That is more than what has no lock: what has one says so. Tests, samples and examples in comments are not looked at.
models_gate_tests.py has what must be found, and what must not: it is tried each time.

"// MODEL: NAME, NAME" or "// MODEL: none, because REASON" covers what follows in the same function up to the next blank line. A name is
that of a file in models/, which must name the function in an "Of:" line. Each model is named by somebody.

The page that tells of the models has each of them in its table.

configs/models.txt keeps a hash of each function that a model names, without comments and blanks. Who changes one looks at the models
that the gate names, mends them if need be, and says so with --accept.
"""

import argparse
import hashlib
import re
import sys
from pathlib import Path

from models import models_in
from models_gate_tests import FOUND, FOUND_IN_C, NOT_FOUND, NOT_FOUND_IN_C
from unsafe import NO_CODE, body

FOLDERS = ["drivers/dma-buf/rust", "rust/kernel"]
NOT_LOOKED_AT = "drivers/dma-buf/rust/kunit/"
PAGE = "Documentation/driver-api/dma-buf-rust-models.rst"

FIELDS = (
    r"(?:ops|flags|error|refcount|fences|num_fences|vmapping_counter|f_ref|state|value|kref|next|prev"
    r"|__bindgen_anon_2\s*\.\s*(?:timestamp|cb_list|rcu))\b"
)
# What a pointer leads to, in parentheses; what a reference that is made of one does, at the spot; and the address of a field.
POINTED = r"\(\s*(?:&\s*(?:mut\s+)?)?\*\s*(?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\)"
REFERENCE = r"(?:\bas_(?:ref|mut)\w*\(\)\s*\??(?:\s*\.\s*(?:unwrap|expect)\w*\([^()]*\))?|\})"
ADDRESS = rf"&raw\s+(?:const|mut)\s+{POINTED}\s*\.\s*{FIELDS}(?:\s*\.\s*\w+\b(?!\())*"
CAST = r"(?:\s*\.\s*(?:cast\w*|as_ptr)(?:::<[^()]*>)?\(\))*"
MOVES = r"(?:read|write|replace|swap|copy)\w*"
SITE = re.compile(
    rf"""\b(?:Acquire|Release|Full|Relaxed|SeqCst|AcqRel)\b | \basm!
      | (?<!fn\ )\b(?:
          smp_(?:mb|rmb|wmb|load|store|cond|acquire)\w* | \w*set_current_state\w* | set_special_state
        | (?:test_and_|assign_)?(?:set|clear|change)_bit\w* | (?:__)?assign_bit\w* | test_bit\w* | (?:READ|WRITE)_ONCE
        | (?:refcount|kref|(?:file|page|folio|percpu|module)_ref)_\w+ | (?:file|page|folio)_count
        | dma_resv_is_ours | memory_has_failed | page_forget_caches | dma_fence_\w+_flag\w*
        | \w*(?:call|kfree|kvfree|queue)_\w*rcu\w* | \w*synchronize_\w*rcu\w* | rcu_(?:barrier|assign|dereference|replace|access|xchg)\w*
        | h?list_\w*rcu | list_empty\w* | list_(?:first|next|last|prev)_\w+ | try_module_get | module_put
        )\( | \bclist_create!
      | (?<!fn\ )(?<![.\w])(?:\w+_)?(?:atomic\w*_\w+|(?:cmp)?xchg\w*)\(
      | \brefcount\s*\.\s*(?:set|inc|dec|dec_and_test)\( | \.dec_and_test\(
      | \b(?:read|write)_volatile\b
      | (?<!\.)(?<!fn\ )\bhas\(
      | (?<!&raw\ mut\ )(?<!&raw\ const\ ){POINTED}\s*\.\s*{FIELDS}
      | {REFERENCE}\s*\.\s*{FIELDS}(?!\s*\()
      | \b{MOVES}\(\s*{ADDRESS} | \(\s*{ADDRESS}\s*\){CAST}\s*\.\s*{MOVES}\( | (?<!&)\*\s*\(\s*{ADDRESS}""",
    re.VERBOSE,
)
# The same by a name: of a reference to what a pointer leads to, and of the address of a field.
TO_ALL = re.compile(
    r"\blet\s+(?:\w+\()?(?:mut\s+)?(\w+)\)?(?:\s*:[^=;]*)?\s*=\s*\(?(?:unsafe\s*\{\s*)?"
    r"(?:&(?:mut\s+)?\*|[^;{}]*\.\s*as_(?:ref|mut)\w*\(\)\s*\??\s*(?:[;{})]|else\b|\.\s*(?:unwrap|expect|ok_or)))"
    r"|\bas_(?:ref|mut)\w*\(\)[^;{}|]*\|\s*(\w+)\s*\||\b(\w+)\s*:\s*&(?:'\w+\s+)?(?:mut\s+)?(?:bindings::\w+|dma_\w+|list_head)\b"
)
TO_FIELD = re.compile(rf"\blet\s+(?:mut\s+)?(\w+)(?:\s*:[^=;]*)?\s*=\s*(?:unsafe\s*\{{\s*)?\(?\s*{ADDRESS}")
HELPERS = ["rust/helpers/*.c", "drivers/dma-buf/rust/**/*.[ch]"]
HELPER = re.compile(r"\b(?:rust_helper_)?(\w+)\((?:[^;{}()]|\([^()]*\))*\)\n\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
SITE_IN_C = re.compile(
    r"\b(?:(?:READ|WRITE)_ONCE|smp_\w+|\w*atomic\w*_\w+|(?:try_)?(?:cmp)?xchg\w*|(?:test_and_)?(?:set|clear|change)_bit\w*|(?:__)?assign_bit\w*"
    r"|test_bit\w*|(?:refcount|kref|\w+_ref)_\w+|(?:file|page|folio)_count|try_module_get|module_put|\w*set_current_state\w*"
    r"|rcu_(?:dereference|assign|replace|access|barrier)\w*|\w*(?:call|kfree|kvfree)_\w*rcu\w*|\w*synchronize_\w*rcu\w*|h?list_\w*rcu"
    r"|list_empty\w*|dma_fence_\w+_flag\w*)\("
)
USE = re.compile(r"\buse\s[^;]*;")
BLOCK = re.compile(r"\b(?:impl|trait)\b[^{};]*\{")
FUNCTION = re.compile(r"\bfn\s+(\w+)[^{};]*(?:;[^{};]*\][^{};]*)*\{")
COMMENT = re.compile(r"// MODEL: (.*)")


class Source:
    def __init__(self, text):
        self.text = text
        # No longer than the text, so that places are the same.
        self.code = NO_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), self.text)
        self.code = USE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), self.code)
        blocks = [(found.start(), body(self.code, found.end()), found[0]) for found in BLOCK.finditer(self.code)]
        self.functions = []
        for found in FUNCTION.finditer(self.code):
            within = [head for start, end, head in blocks if start < found.start() < end]
            self.functions.append((found.start(), body(self.code, found.end()), found[1], within[-1] if within else ""))

    def line(self, at):
        return self.text.count("\n", 0, at) + 1

    def function_at(self, at):
        """The innermost function around a place."""
        around = [function for function in self.functions if function[0] <= at <= function[1]]
        return max(around, key=lambda function: function[0], default=None)

    def named(self, name):
        """The functions that NAME or TYPE::NAME stands for."""
        of, _, name = name.rpartition("::")
        return [
            (start, end, its, head)
            for start, end, its, head in self.functions
            if its == name and (re.search(rf"\b{of}\b", head) if of else not head)
        ]

    def hash_of(self, name):
        texts = [re.sub(r"//[^\n]*|/\*.*?\*/", "", self.text[start : end + 1], flags=re.DOTALL) for start, end, _, _ in self.named(name)]
        return hashlib.sha256(re.sub(r"\s+", "", "".join(texts)).encode()).hexdigest()[:16] if texts else None

    def places(self):
        """Where the sites are."""
        yield from (found.start() for found in SITE.finditer(self.code))
        for start, end, _, _ in self.functions:
            names = {name for found in TO_ALL.findall(self.code, start, end) for name in found if name} - {"self"}
            addresses = set(TO_FIELD.findall(self.code, start, end))
            for uses, its in (
                (names, rf"(?<![\w.])(?:{{}})\s*\.\s*{FIELDS}(?!\s*\()"),
                (addresses, rf"\b(?:{{0}}){CAST}\s*\.\s*{MOVES}\(|\b{MOVES}\(\s*(?:{{0}})\b|\*\s*(?:{{0}})\b"),
            ):
                if uses:
                    yield from (found.start() for found in re.compile(its.format("|".join(uses))).finditer(self.code, start, end))

    def sites(self):
        """Each line with a site, and what the comment says that covers it."""
        lines = self.text.splitlines()
        starts = [0]
        for line in lines:
            starts.append(starts[-1] + len(line) + 1)
        for number in sorted(set(map(self.line, self.places()))):
            function = self.function_at(starts[number] - 1)
            first = self.line(function[0]) if function else number
            said = None
            for above in range(number, max(first, 1) - 1, -1):
                if not lines[above - 1].strip():
                    break
                found = COMMENT.search(lines[above - 1])
                if found:
                    said = (above, found[1])
                    break
            yield number, lines[number - 1].strip(), function, said


def sources(root):
    files = (file for folder in FOLDERS for file in sorted((root / folder).rglob("*.rs")))
    paths = (str(file.relative_to(root)) for file in files)
    return {path: Source((root / path).read_text(encoding="utf-8")) for path in paths if not path.startswith(NOT_LOOKED_AT)}


def uncovered(found, models):
    """What the comments lack."""
    by_name, used = {model.name: model for model in models}, set()
    for path, source in found.items():
        for renamed in re.finditer(r"\b(?:Acquire|Release|Full|Relaxed)\s+as\b", source.text):
            yield f"{path}:{source.line(renamed.start())}: an ordering under another name is not found: {renamed[0]}"
        for number, line, function, said in source.sites():
            if not said:
                yield f'{path}:{number}: no "// MODEL:" above: {line}'
        for comment in COMMENT.finditer(source.text):
            number, function = source.line(comment.start()), source.function_at(comment.start())
            if comment[1].startswith("none"):
                if not re.match(r"none, because \w.{7,}", comment[1]):
                    yield f'{path}:{number}: no reason: "// MODEL: none, because ..."'
                continue
            for name in comment[1].rstrip(".").split(", "):
                used.add(name)
                if name not in by_name:
                    yield f"{path}:{number}: there is no model {name}"
                elif not any(of[0] == path and function in source.named(of[1]) for of in by_name[name].of):
                    yield f"{path}:{number}: models/{name}.litmus has no \"Of:\" for {function[2] if function else 'this place'}"
    for model in models:
        if model.name not in used:
            yield f"models/{model.path.name}: no comment in the code names it"


def helpers_without_name(root):
    """Helpers in C that do what a site does, where it would not be seen that they are called."""
    for path in sorted(path for pattern in HELPERS for path in root.glob(pattern)):
        for name, text in HELPER.findall(NO_CODE.sub("", path.read_text(encoding="utf-8"))):
            found = SITE_IN_C.search(text)
            if found and not SITE.search(f"{name}("):
                yield f"{path.relative_to(root)}: {name} does {found[0].rstrip('(')}, and is not among the sites"


def tests():
    """What is not found of models_gate_tests.py, and what is and should not be."""
    for text in FOUND:
        if not list(Source(f"fn f() {{\n{text}\n}}\n").places()):
            yield f"is not found: {text}"
    for text in NOT_FOUND:
        if list(Source(f"fn f() {{\n{text}\n}}\n").places()):
            yield f"is found: {text}"
    for text in FOUND_IN_C:
        if not SITE_IN_C.search(text):
            yield f"is not found: {text}"
    for text in NOT_FOUND_IN_C:
        if SITE_IN_C.search(text):
            yield f"is found: {text}"


def hashes(found, models):
    """The functions that models name, with their hashes, and which models these are."""
    kept = {}
    for model in models:
        for path, name in model.of:
            source = found.get(path)
            kept.setdefault((path, name), (source and source.hash_of(name), []))[1].append(model.name)
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accept", action="store_true", help="keep the functions as they are now: the models have been looked at")
    parser.add_argument("--sites", action="store_true", help="list all sites, and what covers them")
    parser.add_argument("root", type=Path)
    parser.add_argument("models", type=Path)
    parser.add_argument("kept", type=Path)
    args = parser.parse_args()

    if broken := list(tests()):
        sys.exit("\n".join(f"lib/models_gate_tests.py: {line}" for line in broken))
    found, models = sources(args.root), models_in(args.models)
    if not models:
        sys.exit(f"no models in {args.models}")
    if args.sites:
        for path, source in found.items():
            for number, line, _, said in source.sites():
                print(f"{path}:{number}: {said[1] if said else '-'}: {line}")
        return

    bad = [f"models/{model.path.name}: {fault}" for model in models for fault in model.faults]
    bad += uncovered(found, models)
    bad += helpers_without_name(args.root)
    told = set(re.findall(r"^   \* - ``([\w-]+)``$", (args.root / PAGE).read_text(encoding="utf-8"), re.MULTILINE))
    bad += [f"{PAGE}: its table and models/ differ: {name}" for name in sorted(told ^ {model.name for model in models})]
    now = hashes(found, models)
    bad += [
        f"models/{', '.join(names)}: {path} has no function {name} any more"
        for (path, name), (value, names) in now.items()
        if not value
    ]
    if args.accept and not bad:
        rows = [f"{value} {path} {name}\n" for (path, name), (value, _) in sorted(now.items())]
        args.kept.write_text(
            "# SPDX-License-Identifier: GPL-2.0\n"
            "# What the functions were that models/ stand for, when they were looked at last: make models ACCEPT=1.\n" + "".join(rows)
        )
    lines = args.kept.read_text().splitlines() if args.kept.exists() else []
    kept = {tuple(line.split()[1:]): line.split()[0] for line in lines if not line.startswith("#")}
    for key, (value, names) in sorted(now.items()):
        if value and kept.get(key) != value:
            bad.append(
                f"{key[0]}: {key[1]} {'has changed' if key in kept else 'is new here'}: look whether it does what these models say, "
                f"then make models ACCEPT=1: {', '.join(names)}"
            )
    bad += [f"{args.kept.name}: nobody asks for {path} {name}: make models ACCEPT=1" for path, name in sorted(kept.keys() - now.keys())]
    if bad:
        print("\n".join(bad))
        sys.exit(f"{len(bad)} faults; lib/models_gate.py tells what is asked for")
    count = sum(1 for source in found.values() for _ in source.sites())
    print(f"{count} lines without a lock, or that say which they have; {len(models)} models of {len(now)} functions")


if __name__ == "__main__":
    main()
