"""Fetches the wheels of torch.lock with pip, checks their hashes, and unpacks LibTorch: fetch_torch.py LOCK TARGET.

TARGET gets include/ and lib/. It appears whole or not at all: everything happens in TARGET.part, which is renamed last.
Wheels are taken from pip's configured index, and deleted once unpacked.
"""

import fnmatch
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile


def fail(what, why, then):
    print(f"error: {what}\n  because {why}\n  next: {then}", file=sys.stderr)
    sys.exit(5)


def download(package, version, platform, folder):
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--python-version", "3.11",
               "--implementation", "cp", "--platform", platform, "--disable-pip-version-check", "--progress-bar", "off",
               "-q", "-d", folder, f"{package}=={version}"]
    if subprocess.run(command).returncode != 0:
        fail(f"cannot download {package} {version}", "pip said so above (network, or a full disk)",
             "run the same command again; what was downloaded whole is kept")


def wheel_of(package, version, folder):
    prefix = f"{package.replace('-', '_')}-{version}-"
    found = [name for name in os.listdir(folder) if name.startswith(prefix) and name.endswith(".whl")]
    return os.path.join(folder, found[0]) if found else None


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def unpack(wheel, patterns, target):
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            if info.is_dir() or not any(fnmatch.fnmatchcase(info.filename, pattern) for pattern in patterns):
                continue
            parts = info.filename.split("/")
            inside = os.path.join("lib", parts[-1]) if "/lib/" in info.filename else os.path.join(*parts[1:])
            path = os.path.join(target, inside)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with archive.open(info) as source, open(path, "wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)


def main():
    lock, target = sys.argv[1:3]
    folder = target + ".wheels"
    part = target + ".part"
    os.makedirs(folder, exist_ok=True)
    shutil.rmtree(part, ignore_errors=True)
    for line in open(lock, encoding="utf-8"):
        if not line.strip() or line.startswith("#"):
            continue
        package, version, platform, digest, *patterns = line.split()
        wheel = wheel_of(package, version, folder)
        if wheel is None:
            print(f"  {package} {version}", file=sys.stderr)
            download(package, version, platform, folder)
            wheel = wheel_of(package, version, folder)
        found = sha256(wheel)
        if found != digest:
            os.remove(wheel)
            fail(f"{package} {version} is not the file that Atoll was tried with", f"its SHA-256 is {found}, not {digest}",
                 "run the same command again; if it stays so, the index serves another file")
        try:
            unpack(wheel, patterns, part)
        except (OSError, zipfile.BadZipFile) as error:
            shutil.rmtree(part, ignore_errors=True)
            fail(f"cannot unpack {package}", str(error), "df -h; then run the same command again")
    os.rename(part, target)
    shutil.rmtree(folder, ignore_errors=True)


main()
