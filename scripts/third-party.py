#!/usr/bin/env python3
"""The licences and notices of everything that is linked into the program, on standard output.

Usage: third-party.py [TARGET]. Texts that several crates share, but for their copyright lines, stand here once.
"""

import json
import pathlib
import re
import subprocess
import sys

NAMES = re.compile(r"^(licen[sc]e|copying|notice|copyright|unlicense)", re.IGNORECASE)


def linked(target):
    """Names and versions of the crates of the program itself; tools for building and testing are not among them."""
    command = ["cargo", "tree", "--locked", "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"]
    lines = subprocess.run(command + (["--target", target] if target else []), check=True, capture_output=True, text=True)
    return {tuple(line.split()[:2]) for line in lines.stdout.splitlines() if line}


def main():
    wanted = linked(sys.argv[1] if len(sys.argv) > 1 else None)
    metadata = subprocess.run(["cargo", "metadata", "--locked", "--format-version", "1"], check=True, capture_output=True)
    texts, without = {}, []
    print("What is linked into Taffrail, and under which licences\n")
    for package in sorted(json.loads(metadata.stdout)["packages"], key=lambda p: p["name"]):
        name = f'{package["name"]} {package["version"]}'
        if (package["name"], "v" + package["version"]) not in wanted or package["source"] is None:
            continue
        print(f'{name}: {package["license"]}')
        folder = pathlib.Path(package["manifest_path"]).parent
        # SQLite, zstd and BoringSSL's parts of ring come as sources with notices of their own.
        files = [f for f in sorted(folder.rglob("*")) if f.is_file() and NAMES.match(f.name)]
        for file in files:
            text = file.read_text(errors="replace").strip()
            key = " ".join(text.split())
            texts.setdefault(key, (text, []))[1].append(name)
        if not files:
            without.append(f'{name}, by {", ".join(package["authors"]) or "its contributors"}: {package["license"]}')
    if without:
        print("\nWithout a text of their own:\n\n" + "\n".join(without))
    print("\nSQLite, in libsqlite3-sys, is in the public domain.")
    for text, names in texts.values():
        print("\n" + "=" * 100 + "\n" + ", ".join(dict.fromkeys(names)) + "\n\n" + text)


main()
