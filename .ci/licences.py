#!/usr/bin/env python3
"""Holds the licence of every dependency against the allow-list of deny.toml. Offline; a stand-in for cargo-deny."""

import re
import subprocess
import sys
import tomllib

with open("deny.toml", "rb") as file:
    ALLOWED = set(tomllib.load(file)["licenses"]["allow"])


def allowed(expression: str) -> bool:
    """Whether an SPDX expression can be satisfied from the allow-list."""
    text = re.sub(r"\s*/\s*", " OR ", expression)
    tokens = re.findall(r"\(|\)|[A-Za-z0-9.+-]+", text)

    def alternatives() -> bool:
        result = conjunction()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            result = conjunction() or result
        return result

    def conjunction() -> bool:
        result = term()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            result = term() and result
        return result

    def term() -> bool:
        token = tokens.pop(0)
        if token == "(":
            result = alternatives()
            tokens.pop(0)
            return result
        if tokens and tokens[0] == "WITH":
            tokens.pop(0)
            token = f"{token} WITH {tokens.pop(0)}"
        return token in ALLOWED

    try:
        return alternatives() and not tokens
    except IndexError:
        return False


tree = subprocess.run(
    ["cargo", "tree", "--locked", "--edges", "normal,build,dev", "--prefix", "none", "--format", "{p}|{l}"],
    check=True,
    capture_output=True,
    text=True,
).stdout
packages = {}
for line in filter(None, tree.splitlines()):
    name, _, licence = line.removesuffix(" (*)").partition("|")
    packages[" ".join(name.split()[:2])] = licence
bad = {name: licence for name, licence in packages.items() if not allowed(licence)}
for name, licence in sorted(bad.items()):
    print(f"{name}: {licence or 'no licence'} is not in deny.toml's allow-list")
print(f"{len(packages)} packages, {len(bad)} with a licence that is not allowed")
sys.exit(1 if bad else 0)
