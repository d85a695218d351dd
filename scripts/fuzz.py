#!/usr/bin/env python3
"""Fuzzes what the world can send us, until each target has had its share of processor time, and can be stopped and
started again at any moment: what was spent is kept in fuzz/spent/TARGET (seconds), what was found in fuzz/corpus and
fuzz/artifacts.

    cargo +nightly fuzz build && scripts/fuzz.py [--seconds 3600] [--slice 300] [TARGET ...]

Seeds are the golden rows and the recordings in ../shared/corpus (nothing, with a line that says so, where they are
absent) and the samples of this repository. Ends with 1 at the first finding and names its file; keep it as a test.
"""
import argparse
import glob
import hashlib
import json
import os
import resource
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CORPUS = os.path.join(ROOT, "..", "shared", "corpus")
TARGETS = ["framer", "sentence", "ais_payload", "tag_block", "chunk", "config", "client_message"]


def seed(target, content):
    """One starting input, named by what is in it, so that seeding twice adds nothing."""
    folder = os.path.join(ROOT, "fuzz", "corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, hashlib.sha1(content).hexdigest()), "wb") as file:
        file.write(content)


def seed_line(line):
    """A line as it was recorded goes to every target that it says something to."""
    seed("sentence", line)
    if line.startswith(b"\\"):
        seed("tag_block", line)
    for mark in (b"VDM,", b"VDO,"):
        if mark in line:
            seed("ais_payload", line.split(mark, 1)[1].strip())


def seed_all():
    golden = os.path.join(CORPUS, "nmea0183-golden.jsonl")
    if not os.path.exists(golden):
        print("seeds: no recorded corpus here; samples only", flush=True)
    else:
        with open(golden, encoding="utf-8") as rows:
            for row in map(json.loads, rows):
                lines = row["input"] if isinstance(row["input"], list) else [row["input"]]
                seed("framer", "\r\n".join(lines).encode() + b"\r\n")
                for line in lines:
                    seed_line(line.encode())
    for log in glob.glob(os.path.join(CORPUS, "logs", "0183*")) + glob.glob(os.path.join(ROOT, "samples", "*.nmea")):
        with open(log, "rb") as file:
            lines = file.read().split(b"\n")[:2000]
        for at in range(0, len(lines), 7):
            seed("framer", b"\n".join(lines[at : at + 3]))
            seed_line(lines[at])
    for sample in glob.glob(os.path.join(ROOT, "**", "*.toml"), recursive=True):
        if "/target/" not in sample:
            with open(sample, "rb") as file:
                seed("config", file.read())
    seed("client_message", b'{"context":"*","subscribe":[{"path":"*","period":1000,"policy":"ideal"}]}')
    seed("client_message", b'{"updates":[{"$source":"a.b","values":[{"path":"a.b","value":1}]}]}')


def spent_file(target):
    return os.path.join(ROOT, "fuzz", "spent", target)


def spent(target):
    """Processor seconds this target has had so far."""
    try:
        with open(spent_file(target), encoding="ascii") as file:
            return float(file.read())
    except FileNotFoundError:
        return 0.0


def run_slice(program, target, seconds):
    """Runs one target for `seconds` of elapsed time; adds the processor time it took to what it has had."""
    artifacts = os.path.join(ROOT, "fuzz", "artifacts", target)
    corpus = os.path.join(ROOT, "fuzz", "corpus", target)
    for folder in (artifacts, corpus, os.path.dirname(spent_file(target))):
        os.makedirs(folder, exist_ok=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(
        [program, corpus, f"-max_total_time={seconds}", f"-artifact_prefix={artifacts}/", "-timeout=10",
         "-rss_limit_mb=1024", "-print_final_stats=1"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    with open(spent_file(target) + ".new", "w", encoding="ascii") as file:
        file.write(f"{spent(target) + took:.0f}\n")
    os.replace(spent_file(target) + ".new", spent_file(target))
    text = run.stdout.decode(errors="replace")
    runs = next((line.split()[-1] for line in text.splitlines() if "number_of_executed_units" in line), "?")
    print(f"{target}: {runs} runs in {took:.0f} s of processor time, {spent(target):.0f} s in all", flush=True)
    if run.returncode != 0:
        print(text[-4000:])
        sys.exit(f"{target} has a finding; it is in {artifacts}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=3600, help="processor time for each target")
    arguments.add_argument("--slice", type=int, default=300, help="elapsed seconds before the next target has its turn")
    arguments.add_argument("--programs", default=os.path.join(ROOT, "fuzz/target/x86_64-unknown-linux-gnu/release"))
    arguments.add_argument("target", nargs="*", default=TARGETS)
    chosen = arguments.parse_args()
    seed_all()
    while waiting := [target for target in chosen.target if spent(target) < chosen.seconds]:
        for target in waiting:
            run_slice(os.path.join(chosen.programs, target), target, chosen.slice)
    for target in chosen.target:
        print(f"{target}: {spent(target):.0f} s of processor time")


if __name__ == "__main__":
    main()
