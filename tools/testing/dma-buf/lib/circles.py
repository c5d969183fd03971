#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""No file of a crate uses one that uses it, be it by way of others.

Read are `use` lines and paths in the code. A name counts for the file that defines it, however it is re-exported: so a file
that only holds `mod` and `pub use` lines is in nobody's way. A crate is given as ROOT.rs, or for a part of one as ROOT.rs=PATH
where PATH is how the crate calls it, as rust/kernel/dma_buf/mod.rs=dma_buf.
"""

import argparse
import re
import sys
from pathlib import Path

from unsafe import body, code_of

USE = re.compile(r"^[ \t]*(pub(?:\([^)]*\))?[ \t]+)?use\s+([^;]+);", re.MULTILINE)
INLINE = re.compile(r"\bmod\s+\w+\s*\{")
MOD = re.compile(r"^[ \t]*(?:pub(?:\([^)]*\))?[ \t]+)?mod\s+(\w+)\s*;", re.MULTILINE)
ITEM = re.compile(r"\b(?:fn|struct|enum|union|trait|type|static(?:\s+mut)?|const|macro_rules!)\s+(\w+)")
PATH = re.compile(r"(?<![\w:.$])((?:\w+::)+\w+)")


def spread(tree):
    """The paths in a `use` tree, each as (list of names, the name it gets)."""
    tree = tree.strip()
    opened = tree.find("{")
    if opened < 0:
        path, _, alias = tree.partition(" as ")
        names = [name.strip() for name in path.split("::")]
        if names[-1] == "self":
            names.pop()
        return [(names, alias.strip() or (names[-1] if names else "self"))]
    head = [name.strip() for name in tree[:opened].split("::") if name.strip()]
    inside, depth, start, found = tree[opened + 1 : tree.rindex("}")], 0, 0, []
    for at, char in enumerate(inside + ","):
        depth += (char == "{") - (char == "}")
        if char == "," and not depth:
            if inside[start:at].strip():
                found += spread(inside[start:at])
            start = at + 1
    return [(head + names if names else head, alias if names else head[-1]) for names, alias in found]


class Module:
    def __init__(self, path, file):
        self.path, self.file = path, file
        self.code = code_of(file.read_text(encoding="utf-8"))
        self.items = set(ITEM.findall(self.code))
        self.inline = [(found.end(), body(self.code, found.end())) for found in INLINE.finditer(self.code)]
        self.uses = [
            (bool(found[1]), self.outside(names, found.start()), alias)
            for found in USE.finditer(self.code)
            for names, alias in spread(found[2])
        ]
        rest = USE.sub(lambda found: " " * len(found[0]), self.code)
        self.paths = [self.outside(found[1].split("::"), found.start()) for found in PATH.finditer(rest)]
        self.children = MOD.findall(self.code)

    def outside(self, names, at):
        """The path as it would be outside of the modules that are written in this file."""
        depth = sum(start <= at < end for start, end in self.inline)
        while depth and names[0] == "super":
            depth -= 1
            names = names[1:] if names[1:2] == ["super"] else ["self", *names[1:]]
        return names


class Crate:
    def __init__(self, root, prefix):
        self.modules = {}
        self.load(prefix, root, root.parent if not prefix or root.stem == "mod" else root.with_suffix(""))

    def load(self, path, file, folder):
        module = self.modules[path] = Module(path, file)
        for name in module.children:
            for child in (folder / f"{name}.rs", folder / name / "mod.rs"):
                if child.exists():
                    self.load((*path, name), child, folder / name)

    def absolute(self, names, module):
        """The names from the crate's root on; None for what is of another crate."""
        if names[0] == "crate":
            return tuple(names[1:])
        at = module.path
        if names[0] in ("self", "super"):
            while names and names[0] in ("self", "super"):
                at = at[:-1] if names[0] == "super" else at
                names = names[1:]
            return (*at, *names)
        return (*at, *names) if (*at, names[0]) in self.modules else None

    def definer(self, path, depth=0):
        """The module that defines what `path` names, or None."""
        if depth > 20:
            return None
        known = next((path[:n] for n in range(len(path), -1, -1) if path[:n] in self.modules), None)
        if known is None:
            return None
        module, rest = self.modules[known], path[len(known) :]
        if not rest or rest[0] in module.items:
            return module
        for _, names, alias in module.uses:
            if alias in (rest[0], "*"):
                target = self.absolute(names[: -1 if alias == "*" else None], module)
                if target is not None:
                    found = self.definer((*target, *(rest if alias == "*" else rest[1:])), depth + 1)
                    if found:
                        return found
        return module

    def edges(self, module):
        """(module, name) for what `module` uses of others."""
        names_here = {}
        for public, names, alias in module.uses:
            path = self.absolute(names, module)
            if path is None:
                continue
            names_here[alias] = path
            # A module by itself counts by what is used of it, and what is passed on is not used.
            if not public and path not in self.modules:
                yield self.definer(path), "::".join(names)
        for names in module.paths:
            if names[0] in names_here:
                path = (*names_here[names[0]], *names[1:])
            elif names[0] in ("crate", "super", "self") or (*module.path, names[0]) in self.modules:
                path = self.absolute(names, module)
            else:
                continue
            if path is not None and path not in self.modules:
                yield self.definer(path), "::".join(names)

    def graph(self):
        return {
            module: {other: name for other, name in self.edges(module) if other not in (None, module)}
            for module in self.modules.values()
        }


def circle_in(graph):
    """Modules each of which uses the next one, and the last the first; of all the shortest. Or nothing."""
    best = []
    for start in graph:
        came, queue = {start: None}, [start]
        for module in queue:
            for other in graph[module]:
                if other is start:
                    way = [module]
                    while came[way[-1]]:
                        way.append(came[way[-1]])
                    if not best or len(way) < len(best):
                        best = way[::-1]
                elif other not in came:
                    came[other] = module
                    queue.append(other)
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="go on after the first circle of a crate")
    parser.add_argument("crates", nargs="+")
    args = parser.parse_args()
    status = 0
    for crate in args.crates:
        root, _, prefix = crate.partition("=")
        graph, found = Crate(Path(root), tuple(prefix.split("::")) if prefix else ()).graph(), False
        while way := circle_in(graph):
            found = True
            print(f"{root}: files use each other in a circle:")
            for module, other in zip(way, way[1:] + way[:1]):
                print(f"  {module.file} uses {other.file} for {graph[module][other]}")
            if not args.all:
                break
            del graph[way[-1]][way[0]]
        status |= found
        if not found:
            print(f"{root}: {len(graph)} files, no circle")
    sys.exit(status)


if __name__ == "__main__":
    main()
