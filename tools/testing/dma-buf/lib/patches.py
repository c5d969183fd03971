#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Write the series that takes the kernel from upstream's tree to ours; or see that it does; or lay some steps of it."""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import cover
from series import Repository, Series, Wrong, message_of, scratch

TRAILERS = """\
# Of whoever sends the series, who must have read what the kernel's Documentation/process/submitting-patches.rst says of them:
#   git interpret-trailers --in-place --trailer "$(grep -v '^#' trailers)" [0-9]*.patch
Signed-off-by: {author}
"""


def author_of(checkout):
    """Whoever runs this, as far as git knows; and when the checkout was last committed to, so that the same gives the same."""
    run = subprocess.run(["git", "-c", "safe.directory=*", "-C", checkout, "var", "GIT_AUTHOR_IDENT"], capture_output=True, text=True)
    name, mail = re.match(r"(.*) <(.*)>", run.stdout).groups() if run.returncode == 0 else ("Your Name", "you@localhost")
    run = subprocess.run(["git", "-c", "safe.directory=*", "-C", checkout, "log", "-1", "--format=%cI"], capture_output=True, text=True)
    date = run.stdout.strip() or "2026-01-01T00:00:00+00:00"
    who = {f"GIT_{role}_{what}": said for role in ("AUTHOR", "COMMITTER") for what, said in (("NAME", name), ("EMAIL", mail), ("DATE", date))}
    return {**os.environ, **who}


def write(series, out):
    env = author_of(series.checkout)
    with scratch() as root:
        repository = Repository(Path(root), series)
        base = repository.git("rev-parse", "HEAD").strip()
        for number, step in enumerate(series.steps):
            series.lay(number, repository.root)
            repository.commit(message_of(step), env=env)
        out.mkdir(parents=True, exist_ok=True)
        for old in [*out.glob("[0-9]*.patch"), out / "trailers"]:
            old.unlink(missing_ok=True)
        written = repository.git(
            "format-patch", "--quiet", "--cover-letter", "--no-base", "--no-signature", "--zero-commit", "-o", out.resolve(), base, env=env
        )
        first = next(out.glob("0000-*.patch"))
        text = cover.letter(series, repository, base)
        subject, body = text.split("\n\n", 1)
        letter = first.read_text().replace("*** SUBJECT HERE ***", subject).replace("*** BLURB HERE ***", body.strip())
        first.write_text(letter)
        (out / "trailers").write_text(TRAILERS.format(author=f"{env['GIT_AUTHOR_NAME']} <{env['GIT_AUTHOR_EMAIL']}>"))
    return written


def names_in(out):
    return sorted(path for path in out.glob("[0-9]*.patch") if not path.name.startswith("0000-"))


def check(series, out, tree):
    """The series, applied to the pristine files by git am, is what the tree is that kbuild runs in."""
    patches = names_in(out)
    if len(patches) != len(series.steps):
        raise Wrong(f"{len(patches)} patches, {len(series.steps)} steps")
    with scratch() as root:
        repository = Repository(Path(root), series)
        repository.git("am", "-q", "--keep-cr", *(path.resolve() for path in patches))
        have = set(repository.git("ls-files", "-z").split("\0")) - {""}
        want = set(series.home) | set(series.hooked())
        bad = [f"{name}: in the series {'alone' if name in have else 'not at all'}" for name in sorted(have ^ want)]
        for name in sorted(have & want):
            ours, theirs = repository.root / name, tree / name
            if not theirs.exists() or ours.read_bytes() != theirs.read_bytes():
                bad.append(f"{name}: not what is in {tree}")
            elif bool(ours.stat().st_mode & 0o100) != bool(theirs.stat().st_mode & 0o100):
                bad.append(f"{name}: another mode than in {tree}")
    if bad:
        raise Wrong("\n".join(bad))
    print(f"{len(patches)} patches give the {len(want)} files that the laid tree has")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("write", "check", "steps", "options"))
    parser.add_argument("--map", type=Path, required=True)
    parser.add_argument("--checkout", type=Path, required=True)
    parser.add_argument("--pristine", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="where the series is")
    parser.add_argument("--tree", type=Path, help="check: the laid tree")
    parser.add_argument("--step", help="options: up to this step")
    args = parser.parse_args()
    try:
        series = Series(args.map, args.checkout, args.pristine)
        if args.what == "write":
            write(series, args.out)
        elif args.what == "check":
            check(series, args.out, args.tree)
        elif args.what == "steps":
            print(*(step.name for step in series.steps), sep="\n")
        else:
            for step in series.steps:
                print(*(f"CONFIG_{option}=y" for option in step.options), sep="\n")
                if step.name == args.step:
                    break
    except Wrong as wrong:
        sys.exit(f"{wrong}")


if __name__ == "__main__":
    main()
