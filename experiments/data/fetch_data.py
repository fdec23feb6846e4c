"""Downloads the files of a data set: run by experiments/data/get.cc with a JSON object as its argument:

  {"folder": F, "files": {NAME: {"bytes": N, "digests": [...]}},
   "sources": [{"address": A, "sha256": S, "bytes": N, "members": [{"path": P, "file": NAME}, ...]}, ...]}

Each file is written to a scratch folder beside it, checked (the digest is that of its unpacked content), and renamed; files that are there
and whole are kept, so the same command can be repeated after any failure. Progress goes to standard error. On failure one
line on standard output says why, and the exit status is Atoll's: 4 wrong content, 5 file system, 6 disk full, 7 network.
"""

import errno
import glob
import gzip
import hashlib
import http.client
import json
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
import zlib

DATA, IO, DISK_FULL, NETWORK = 4, 5, 6, 7
STALL_SECONDS = 20
TRIES = 2
PIECE = 1 << 18


class Failure(Exception):
    def __init__(self, status, why):
        super().__init__(why)
        self.status = status


def say(text):
    print("  " + text, file=sys.stderr, flush=True)


def plain(name):
    return name[:-3] if name.endswith((".gz", ".xz")) else name


def pieces(path):
    with open(path, "rb") as file:
        magic = file.read(6)
    opener = gzip.open if magic[:2] == b"\x1f\x8b" else lzma.open if magic == b"\xfd7zXZ\0" else open
    with opener(path, "rb") as file:
        yield from iter(lambda: file.read(PIECE), b"")


def is_good(path, facts):
    sha256, sha1 = hashlib.sha256(), hashlib.sha1()
    try:
        for piece in pieces(path):
            sha256.update(piece)
            sha1.update(piece)
    except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error):
        return False
    return sha256.hexdigest() in facts["digests"] or sha1.hexdigest() in facts["digests"]


def download_once(address, path):
    with urllib.request.urlopen(address, timeout=STALL_SECONDS) as answer, open(path, "wb") as out:
        total = int(answer.headers.get("Content-Length") or 0)
        done, shown = 0, time.monotonic()
        while piece := answer.read(PIECE):
            out.write(piece)
            done += len(piece)
            if time.monotonic() - shown > 2:
                shown = time.monotonic()
                say(f"{done / 1e6:.1f} of {total / 1e6:.1f} MB" if total else f"{done / 1e6:.1f} MB")
        if done < total:
            raise http.client.IncompleteRead(b"", total - done)


def download(address, path):
    for attempt in range(TRIES):
        try:
            return download_once(address, path)
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise Failure(NETWORK, f"{address} answers {error.code} {error.reason}") from None
            reason = f"it answers {error.code} {error.reason}"
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            reason = getattr(error, "reason", None) or error or type(error).__name__
            if isinstance(reason, OSError) and reason.errno == errno.ENOSPC:
                raise reason from None
        if attempt + 1 < TRIES:
            say(f"{reason}; trying once more")
    raise Failure(NETWORK, f"{address} cannot be reached: {reason}")


def download_wheel(requirement, folder):
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--python-version", "3.11",
               "--implementation", "cp", "--platform", "manylinux2014_x86_64", "--disable-pip-version-check",
               "--progress-bar", "off", "--timeout", str(STALL_SECONDS), "--retries", "1", "-q", "-d", folder, requirement]
    done = subprocess.run(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, errors="replace")
    if done.returncode == 0:
        return glob.glob(os.path.join(folder, "*.whl"))[0]
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    why = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1] if lines else "no message")
    if any("No space left" in line for line in lines):
        raise Failure(DISK_FULL, f"no space is left in {folder}")
    if any("No module named pip" in line for line in lines):
        raise Failure(IO, "this machine's python3 has no pip (package python3-pip)")
    raise Failure(NETWORK, f"pip cannot download {requirement}: {why}")


def extract(archive, member, path):
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened, opened.open(member) as source, open(path, "wb") as out:
                return shutil.copyfileobj(source, out, PIECE)
        with tarfile.open(archive) as opened, opened.extractfile(member) as source, open(path, "wb") as out:
            return shutil.copyfileobj(source, out, PIECE)
    except (KeyError, EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error, gzip.BadGzipFile) as error:
        raise Failure(DATA, f"{os.path.basename(archive)} is damaged or lacks {member}: {error}") from None


def check_archive(path, source):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(PIECE), b""):
            digest.update(piece)
    if source["sha256"] and digest.hexdigest() != source["sha256"]:
        raise Failure(DATA, f"{source['address']} gives a file whose SHA-256 is {digest.hexdigest()}, "
                            f"not {source['sha256']}")


def place(part, member, plan):
    path = os.path.join(plan["folder"], member["file"])
    if not is_good(part, plan["files"][plain(member["file"])]):
        os.remove(part)
        raise Failure(DATA, f"{member['file']} came, but it is not the known file (another version, or a page of a "
                            "proxy or login)")
    with open(part, "rb") as file:
        os.fsync(file.fileno())
    os.replace(part, path)


def fetch(source, scratch, plan):
    address, members = source["address"], source["members"]
    say(f"{address} ({source['bytes'] / 1e6:.1f} MB)")
    if address.startswith("pip:"):
        archive = download_wheel(address[4:], scratch)
    else:
        archive = os.path.join(scratch, address.rsplit("/", 1)[-1])
        download(address, archive)
    check_archive(archive, source)
    for member in members:
        part = os.path.join(scratch, member["file"] + ".part")
        if member["path"]:
            extract(archive, member["path"], part)
        else:
            os.replace(archive, part)
        place(part, member, plan)


def missing_members(source, plan):
    missing = []
    for member in source["members"]:
        name = plain(member["file"])
        there = [path for path in (os.path.join(plan["folder"], name + ending) for ending in ("", ".gz", ".xz"))
                 if os.path.isfile(path)]
        for path in there:
            if not is_good(path, plan["files"][name]):
                say(f"{path} is not whole; it is fetched again")
                os.remove(path)
        if not any(os.path.isfile(path) for path in there):
            missing.append(member)
    return missing


def sweep(folder):
    """Removes what a killed run left: its scratch folder bears its process id."""
    for path in glob.glob(os.path.join(glob.escape(folder), ".part-*")):
        pid = path.rsplit("-", 1)[-1]
        if pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            shutil.rmtree(path, ignore_errors=True)


def run(plan):
    os.makedirs(plan["folder"], exist_ok=True)
    sweep(plan["folder"])
    sources = [source | {"members": missing} for source in plan["sources"] if (missing := missing_members(source, plan))]
    # The download, what comes out of it, and some air.
    needed = sum(source["bytes"] for source in sources) + 10_000_000
    needed += sum(plan["files"][plain(m["file"])]["bytes"] for s in sources for m in s["members"] if m["path"])
    free = shutil.disk_usage(plan["folder"]).free
    if sources and free < needed:
        raise Failure(DISK_FULL, f"{plan['folder']} has {free / 1e6:.0f} MB of free space; {needed / 1e6:.0f} are needed")
    for source in sources:
        scratch = os.path.join(plan["folder"], f".part-{os.getpid()}")
        os.mkdir(scratch)
        try:
            fetch(source, scratch, plan)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def main():
    plan = json.loads(sys.argv[1])
    try:
        run(plan)
    except Failure as failure:
        print(failure)
        sys.exit(failure.status)
    except OSError as error:
        print(error)
        sys.exit(DISK_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else IO)
    except KeyboardInterrupt:
        print("interrupted")
        sys.exit(14)


main()
