# SPDX-License-Identifier: GPL-2.0
"""As much of C as the parity tests read: comments, strings, and which #if holds under a configuration."""

import re

COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
DIRECTIVE = re.compile(r"^\s*#\s*(\w+)\s*(.*?)\s*$")
TERM = re.compile(r"^(?:defined\s*\(\s*|IS_(?:ENABLED|BUILTIN|MODULE)\s*\(\s*)?(\w+)\s*\)?$")


def without_comments(text, strings=True):
    """The text with its comments blanked, and its strings, too, if asked for; line numbers stay."""

    def blank(match):
        what = match[0]
        if what[0] in "\"'":
            return what if strings else what[0] * 2
        return " " + "\n" * what.count("\n")

    return COMMENT_OR_STRING.sub(blank, text)


def read_config(path):
    """The options of a .config that are set: name without CONFIG_ -> value."""
    pairs = re.findall(r"^CONFIG_(\w+)=(.*)$", path.read_text(), re.MULTILINE)
    return {name: value for name, value in pairs}


def holds(directive, condition, config):
    """Whether one #if, #ifdef or #ifndef about a single option holds; None if it is not about an option."""
    negated = directive == "ifndef"
    if directive == "if" and condition.startswith("!"):
        negated, condition = True, condition[1:].strip()
    term = TERM.match(condition)
    if not term:
        raise ValueError(f"#{directive} {condition}: not understood")
    if not term[1].startswith("CONFIG_"):
        return None
    value = config.get(term[1][len("CONFIG_"):])
    if "IS_BUILTIN" in condition:
        is_set = value == "y"
    elif "IS_MODULE" in condition:
        is_set = value == "m"
    else:
        is_set = value is not None
    return is_set != negated


def lines(text, config=None):
    """The lines that are not directives: (number, line); with a configuration, only those that it compiles.

    A condition that is not about one option, such as a header's guard, counts as true; one that is more
    than a single term raises ValueError.
    """
    nest = []
    for number, line in enumerate(text.replace("\\\n", "  ").split("\n"), 1):
        directive = DIRECTIVE.match(line)
        if not directive:
            if all(level is not False for level in nest):
                yield number, line
            continue
        word, condition = directive.groups()
        if word in ("if", "ifdef", "ifndef"):
            nest.append(None if config is None else holds(word, condition, config))
        elif word == "else":
            nest[-1] = None if nest[-1] is None else not nest[-1]
        elif word == "elif":
            if config is not None:
                raise ValueError("#elif: not understood")
        elif word == "endif":
            nest.pop()
