#!/usr/bin/env python3
"""Check the dependencies: licences, sources and reasons.

Reads `cargo metadata` and fails when a crate

* has no licence expression, or one that the allow-list cannot satisfy,
* comes from a git repository or from another registry than crates.io,

or when a line of `[workspace.dependencies]` does not say what it is for.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

# Licences that a crate may be used under.
ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
}

# Exceptions only ever give more permission than the licence before them.
EXCEPTIONS = {"LLVM-exception"}

CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"


class LicenceError(Exception):
    """The expression cannot be read."""


def allowed(expression):
    """Whether an SPDX expression can be satisfied from the allow-list alone."""
    # Crates published before SPDX expressions were asked for write "MIT/Apache-2.0".
    tokens = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))
    value, rest = _any(tokens)
    if rest:
        raise LicenceError(f"unexpected {rest[0]!r}")
    return value


def _any(tokens):
    value, tokens = _all(tokens)
    while tokens and tokens[0].upper() == "OR":
        right, tokens = _all(tokens[1:])
        value = value or right
    return value, tokens


def _all(tokens):
    value, tokens = _one(tokens)
    while tokens and tokens[0].upper() == "AND":
        right, tokens = _one(tokens[1:])
        value = value and right
    return value, tokens


def _one(tokens):
    if not tokens:
        raise LicenceError("ends too early")
    head, rest = tokens[0], tokens[1:]
    if head == "(":
        value, rest = _any(rest)
        if not rest or rest[0] != ")":
            raise LicenceError("a parenthesis is not closed")
        return value, rest[1:]
    if head == ")" or head.upper() in {"AND", "OR", "WITH"}:
        raise LicenceError(f"unexpected {head!r}")
    value = head in ALLOWED
    if rest and rest[0].upper() == "WITH":
        if len(rest) < 2:
            raise LicenceError("ends too early")
        value = value and rest[1] in EXCEPTIONS
        rest = rest[2:]
    return value, rest


def check_packages(metadata):
    """What is wrong with the packages of `cargo metadata`, as lines."""
    members = set(metadata["workspace_members"])
    problems = []
    for package in metadata["packages"]:
        name = f"{package['name']} {package['version']}"
        source = package.get("source")
        if source is None and package["id"] not in members:
            problems.append(f"{name}: a path outside the workspace")
        elif source is not None and source != CRATES_IO:
            problems.append(f"{name}: comes from {source}, not from crates.io")
        expression = package.get("license")
        if not expression:
            problems.append(f"{name}: no licence expression")
            continue
        try:
            if not allowed(expression):
                problems.append(f"{name}: {expression} is not on the allow-list")
        except LicenceError as error:
            problems.append(f"{name}: cannot read {expression!r}: {error}")
    return problems


def check_reasons(manifest):
    """Lines of `[workspace.dependencies]` that do not say what the dependency is for."""
    problems = []
    inside = False
    for number, line in enumerate(manifest.splitlines(), 1):
        line = line.strip()
        if line.startswith("["):
            inside = line == "[workspace.dependencies]"
            continue
        if not inside or not line or line.startswith("#"):
            continue
        name, _, rest = line.partition("=")
        if re.search(r"\bpath\s*=", rest):
            continue
        # A value with a # inside a string would fool this; versions and features have none.
        _, mark, reason = rest.partition("#")
        if not mark or not reason.strip():
            problems.append(f"Cargo.toml:{number}: {name.strip()} does not say what it is for")
    return problems


def main():
    root = Path(__file__).resolve().parent.parent
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    output = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE).stdout
    metadata = json.loads(output)
    problems = check_packages(metadata)
    problems += check_reasons((root / "Cargo.toml").read_text(encoding="utf-8"))
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    print(f"licences: {len(metadata['packages'])} packages, all allowed; every dependency has a reason")
    return 0


if __name__ == "__main__":
    sys.exit(main())
