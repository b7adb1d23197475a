"""What a build of the program from nothing costs: CPU seconds of configuring, compiling and linking, without ccache.

cold_build.py [--target NAME] [--jobs N]     `make bench-build`
"""

import argparse
import os
import pathlib
import resource
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def cpu_seconds() -> float:
    """Of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def build(target: str, jobs: int):
    environment = {**os.environ, "CCACHE_DISABLE": "1"}
    with tempfile.TemporaryDirectory(prefix="dbm-cold-build-") as folder:
        for command in (["cmake", "--preset", "release", "-B", folder, "-DDBM_TESTS=OFF", "-DCMAKE_CXX_COMPILER_LAUNCHER="],
                        ["cmake", "--build", folder, "-j", str(jobs), "--target", target]):
            done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode != 0:
                raise SystemExit(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", default="cnpg-dbm")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    began = time.monotonic()
    build(arguments.target, arguments.jobs)
    print(f"cold build of {arguments.target}: {cpu_seconds():.0f} s of CPU, {time.monotonic() - began:.0f} s with {arguments.jobs} jobs")


if __name__ == "__main__":
    main()
