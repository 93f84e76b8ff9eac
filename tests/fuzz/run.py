#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs the fuzz targets, from the seeds of tests/fuzz/seeds: TAP.

    run.py --build DIR [--seconds N] [--jobs N] [--seed N [--repeat]] [--keep] [--extra DIR] TARGET...
    run.py --build DIR --coverage | --minimize | --unpack [--keep] TARGET...

--keep: what is found interesting goes to $SIP_EXT_CACHE/fuzz-TARGET and is used the next time.
--seed: of libFuzzer's random numbers, else a new one each time; it is printed.
--repeat: the same inputs in the same order each time: from the kept seeds alone, so many of them
(RUNS) that no clock ends it, unless the machine is slow; then it is the beginning of the same.
--extra: messages of a collection besides (the parser's target reads them as they are).
An input that breaks a promise stays in DIR/TARGET, and the command that plays it again is printed.
"""
from __future__ import annotations

import argparse
import base64
import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
SEEDS = TOP / "tests/fuzz/seeds"
CACHE = Path(os.environ.get("SIP_EXT_CACHE") or
             Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sip-ext")
LONGEST = {"parse": 4096, "road": 4096, "core": 1200, "stream": 1024}
# With --repeat: about a minute of one processor each, more where two cores have much else to do.
RUNS = {"parse": 70000, "road": 280000, "core": 9500, "stream": 36000}
# No clock, and nothing of what the code compares: among that are addresses of memory.
SAME = ["-reload=0", "-use_cmp=0", "-use_memmem=0"]
# libFuzzer's clock is the wall's: on a busy machine, with idle priority, an input waits for its turn.
TIMEOUT = "-timeout=100"
COMMON = [TIMEOUT, "-rss_limit_mb=1500", "-print_final_stats=1", "-len_control=20"]
# Of a target: what its figures of coverage are about.
ABOUT = {
    "parse": r"(\w+_parse|cursor|header_name|ip_text|parser_state|sip_types|message_view)\.h",
    "road": r"(plan|rewrite|nf_nat_sip_ext|understand|text_writer|plan)\.(cpp|h)",
    "core": r"[a-z_]+\.(cpp|h)",
    "stream": r"(tcp_stream|stream_input|stream_map|stream_waiting|message_frame)\.(cpp|h)",
}


@dataclass
class Run:
    target: str
    seed: int
    code: int
    log: str
    artifacts: list[Path]
    processor: float  # seconds, of all processors

    def stat(self, name: str) -> int:
        found = re.findall(rf"^stat::{name}:\s+(\d+)", self.log, re.MULTILINE)
        return int(found[-1]) if found else 0

    def figures(self) -> str:
        reached = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", self.log)
        edges, features, corpus = reached[-1] if reached else ("0", "0", "0")
        return (f"{self.stat('number_of_executed_units')} executions in {self.processor:.0f} s of processor time, {edges} edges, "
                f"{features} features, {corpus} inputs kept")


def pack_of(target: str) -> Path:
    return SEEDS / f"{target}.txt"


def unpack(target: str, build: Path) -> Path:
    folder = build / target / "seeds"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lines = pack_of(target).read_text().splitlines() if pack_of(target).exists() else []
    for line in lines:
        if line and not line.startswith("#"):
            seed = base64.b64decode(line)
            (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    return folder


def found_folder(target: str, build: Path, keep: bool) -> Path:
    folder = CACHE / f"fuzz-{target}" if keep else build / target / "found"
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def dictionary(target: str) -> list[str]:
    return [f"-dict={TOP / 'tests/fuzz/parse.dict'}"] if target in ("parse", "road") else []


def inputs(target: str, options: argparse.Namespace) -> list[str]:
    """Where it begins, and to repeat that: how far it goes, and in an order that no file system chooses."""
    found, seeds = found_folder(target, options.build, options.keep), unpack(target, options.build)
    if options.repeat:
        listed = options.build / target / "inputs"
        listed.write_text(",".join(map(str, sorted(seeds.iterdir()))))
        return [f"-runs={RUNS[target]}", *SAME, f"-seed_inputs=@{listed}", str(found)]
    extra = [options.extra] if options.extra and target == "parse" else []
    return [str(folder) for folder in [found, seeds, *extra]]


def same_addresses() -> list[str]:
    """Memory at the same addresses each time, where a container does not forbid that."""
    command = ["setarch", "-R"]
    allowed = subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    return command if allowed else []


def watched(command: list[str], log: Path, surroundings: dict[str, str] | None) -> tuple[int, float]:
    """How it ended, and the processor time that it took: on a busy machine that is less than its clock says."""
    with log.open("wb") as out, subprocess.Popen(command, env=surroundings, stdout=out, stderr=subprocess.STDOUT) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime


def run(target: str, options: argparse.Namespace) -> Run:
    home: Path = options.build / target
    seed = options.seed or random.randrange(1, 1 << 32)
    steady = same_addresses() if options.repeat else []
    command = ["nice", *steady, f"{home}-fuzz", f"-seed={seed}", f"-max_total_time={options.seconds}", f"-max_len={LONGEST[target]}",
               f"-artifact_prefix={home}/", *COMMON, *dictionary(target), *inputs(target, options)]
    before = set(home.iterdir())
    surroundings = {"PATH": os.defpath} if options.repeat else None  # they lie below the stack and move it
    code, processor = watched(command, home / "log", surroundings)
    text = (home / "log").read_text(errors="replace")
    fresh = sorted(path for path in set(home.iterdir()) - before if re.match(r"(crash|leak|timeout|oom|slow)", path.name))
    return Run(target, seed, code, text, [path for path in fresh if not path.name.startswith("slow")], processor)


def report(number: int, one: Run, options: argparse.Namespace) -> bool:
    seeds = len(list((options.build / one.target / "seeds").iterdir()))
    print(f"# {one.target}: {one.figures()}; {seeds} seeds; -seed={one.seed}")
    good = one.code == 0 and one.stat("number_of_executed_units") > seeds
    if not good:
        for line in one.log.splitlines()[-60:]:
            print(f"# {line}")
        for path in one.artifacts:
            print(f"# play it again: {options.build}/{one.target}-fuzz {path}")
    print(f"{'ok' if good else 'not ok'} {number} - S10 fuzz {one.target} for {options.seconds} seconds", flush=True)
    return good


def fuzz(options: argparse.Namespace) -> int:
    print(f"1..{len(options.targets)}", flush=True)
    with ThreadPoolExecutor(options.jobs) as pool:
        runs = pool.map(lambda target: run(target, options), options.targets)
        good = [report(number, one, options) for number, one in enumerate(runs, 1)]
    return 0 if all(good) else 1


def minimize(target: str, options: argparse.Namespace) -> None:
    folders = [found_folder(target, options.build, options.keep), unpack(target, options.build)]
    folders += [folder for folder in [options.build / "first" / target] if folder.is_dir()]
    least = options.build / target / "least"
    shutil.rmtree(least, ignore_errors=True)
    least.mkdir()
    subprocess.run(["nice", str(options.build / f"{target}-fuzz"), "-set_cover_merge=1", "-use_counters=0", TIMEOUT,
                    f"-max_len={LONGEST[target]}", str(least), *map(str, folders)], capture_output=True, check=True)
    seeds = sorted((path.read_bytes() for path in least.iterdir()), key=lambda seed: (len(seed), seed))
    lines = [base64.b64encode(seed).decode() for seed in seeds]
    head = "# Inputs of the fuzz target, one a line in base64; made by `make fuzz-seeds`."
    pack_of(target).write_text("\n".join([head, *lines, ""]))
    print(f"{target}: {len(lines)} seeds, {sum(map(len, lines))} characters")


def covered(target: str, options: argparse.Namespace) -> list[str]:
    """Lines of the report: of each file that the target is about, and of all of them."""
    home: Path = options.build / "cover"
    binary, profile = home / f"{target}-fuzz", home / f"{target}.profraw"
    folders = [found_folder(target, options.build, options.keep), unpack(target, options.build)]
    subprocess.run([str(binary), "-runs=0", TIMEOUT, f"-max_len={LONGEST[target]}", *map(str, folders)],
                   env=dict(os.environ, LLVM_PROFILE_FILE=str(profile)), capture_output=True, check=True)
    data = profile.with_suffix(".profdata")
    subprocess.run(["llvm-profdata", "merge", "-o", str(data), str(profile)], check=True)
    table = subprocess.run(["llvm-cov", "report", str(binary), f"-instr-profile={data}"], capture_output=True, text=True, check=True)
    lines, sums = [], [0, 0, 0, 0]
    for row in table.stdout.splitlines():
        cells = row.split()
        if len(cells) != 13 or not re.fullmatch(ABOUT[target], cells[0]):
            continue
        counts = [int(cells[i]) for i in (7, 8, 10, 11)]
        sums = [a + b for a, b in zip(sums, counts)]
        lines.append(share(cells[0], counts))
    return [share(f"{target}-fuzz", sums), *lines]


def share(name: str, counts: list[int]) -> str:
    lines, missed, branches, missed_branches = counts
    return (f"{name:28} {100 * (lines - missed) / max(lines, 1):6.1f} % of {lines} lines, "
            f"{100 * (branches - missed_branches) / max(branches, 1):6.1f} % of {branches} branches")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--extra", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    for name in ("keep", "repeat", "coverage", "minimize", "unpack"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("targets", nargs="+", choices=sorted(LONGEST))
    options = parser.parse_args()
    if options.repeat and (options.keep or options.extra or not options.seed):
        parser.error("--repeat wants a --seed, and no --keep nor --extra")
    if options.unpack:
        for target in options.targets:
            unpack(target, options.build)
        return 0
    if options.minimize:
        for target in options.targets:
            minimize(target, options)
        return 0
    if options.coverage:
        for target in options.targets:
            print("\n".join(covered(target, options)))
        return 0
    return fuzz(options)


if __name__ == "__main__":
    sys.exit(main())
