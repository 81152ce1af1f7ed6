#!/usr/bin/env python3
"""Derives again what the knowledge tables hold from package metadata, and prints where the tables differ.

What it looks at (`src/knowledge/*.toml`):

* `needs`: for every release with a row, `Requires-Dist` of its Linux x86_64 wheel. Differences: the range changed, the
  requirement is not in the metadata, the release is gone, a row is missing for a component that the table follows
  for this package, and releases that came after the table was checked. Notes, which do not count: yanked releases
  (their rows stay true where they are installed); releases beyond the newest row that were there before that day, and
  missing rows whose range depends on the Python, both of which `--left-out` turns into differences and rows.
* `wheel_python`: for every project with a row, the Pythons of its Linux x86_64 wheels by their file names and
  `Requires-Python`, folded into runs of releases with equal sets, and whether there is a source distribution.
* `wheel_libc`: for every project with a row, the oldest glibc that the tags of its Linux x86_64 wheels ask for, whether
  there are wheels for musl and for aarch64, and whether there is a source distribution.
* `torch_release`: CUDA and cuDNN from the NVIDIA pins of the torch wheel (from 1.13 on; older wheels pin nothing).
* `onnx_release`, `onnx_operator` (with `--with-onnx`): VERSION_TABLE and the schemas with their history, from the
  newest onnx package, which pip installs into a temporary folder.

Every other table is listed as not derived here, with the reason. Rows to add are printed as TOML. Nothing is written
to the tables: whoever refreshes them reads the differences, pastes what is right, and sets `checked` in the tables and
KNOWLEDGE_DATE in `mod.rs`.

How it reads: the index is the one that pip is configured for (`PIP_INDEX_URL`, `pip config`, else pip's own default).
File lists come as JSON where the index offers it, else as HTML. Metadata comes from the `.metadata` file beside a
wheel (PEP 658) where announced, else out of the wheel itself with range requests; no wheel is downloaded whole. Only
projects that the tables name are asked for, at most four requests at a time.

The rules, found by comparing with the tables: no pre-releases, no yanked files; `manylinux` and `linux` x86_64 wheels
and `any` wheels; `cpXY` counts for X.Y, free-threaded builds not; `abi3` and `py3` count for every later Python that
the tables know; `Requires-Python` takes away. Markers are evaluated for CPython on Linux x86_64 for each Python with
a wheel. Metadata is that of the wheel for the newest Python; where a row disagrees, that of the wheels for all Pythons.
Where the answers differ by Python, all are shown, a row is right if it states one of them, and a new row holds what
they share.

What it cannot see: whether a release works, as opposed to what it declares (NumPy 2, opsets that a runtime accepts:
see the list of tables not derived); other platforms; requirements of releases without a Linux x86_64 wheel; a wheel
that declares something else than the one for the newest Python, while the row agrees with that one; components and
extras that no row follows yet; rows of `needs` whose `release` is a range, which cite a report; whether a release in
the middle that has no row was left out on purpose (`--between` shows its rows); metadata behind an index that needs a password.

Exit status: 0 no differences, 3 differences, 2 could not work, or could not read everything and found no difference.
"""

import argparse
import concurrent.futures
import email.parser
import functools
import html.parser
import http.client
import io
import json
import os
import pathlib
import re
import ssl
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib

# pip carries the reference implementation of versions, specifiers and markers.
from pip._vendor.packaging.markers import InvalidMarker, Marker
from pip._vendor.packaging.specifiers import InvalidSpecifier, SpecifierSet
from pip._vendor.packaging.version import InvalidVersion, Version

KNOWLEDGE = pathlib.Path(__file__).resolve().parents[2] / "src" / "knowledge"
PARALLEL = 4
TRIES = 5
TIMEOUT = 60
METADATA_LIMIT = 8 << 20
OLDEST_PYTHON = 6
DERIVED = ["needs", "wheel_python", "wheel_libc", "torch_release", "onnx_release", "onnx_operator"]
FROM_ONNX = ["onnx_release", "onnx_operator"]
NOT_DERIVED = {
    "artifact": "promises in the makers' documents",
    "artifact_break": "own runs with model files, release notes and reports",
    "change": "release notes and own runs",
    "collision": "which files wheels own in common; changes only with a new distribution",
    "cuda_driver": "NVIDIA's release notes",
    "cuda_minor": "NVIDIA's compatibility document",
    "distribution": "a survey of the symbols of Linux distributions",
    "driver_branch": "NVIDIA's release notes",
    "exporter": "defaults in the sources of exporters",
    "forward_compat": "NVIDIA's compatibility document",
    "gpu": "NVIDIA's list of GPUs",
    "gpu_architecture": "NVIDIA's driver and architecture matrix",
    "gpu_libraries": "libraries that compiled modules load, and documents",
    "image": "grammars of tags and release notes of containers",
    "image_condition": "Dockerfiles of NVIDIA's images",
    "instance_gpu": "documents of cloud providers",
    "minimum_capability": "release notes and support matrices of NVIDIA",
    "numpy_abi": "imports with NumPy 2 and headers of extension modules; declared ranges do not tell",
    "onnx_domain": "own runs of ONNX Runtime releases",
    "onnxruntime_operator": "schema registry inside the wheels of ONNX Runtime",
    "onnxruntime_release": "own runs of ONNX Runtime releases on model cases",
    "package_role": "classification of envcheck's own",
    "statement": "documents",
    "system_library": "the dynamic section of compiled modules, and what Debian's packages depend on",
    "tensorrt_parser": "documents of TensorRT's parser",
    "toolkit_capability": "compiler documents by way of a build system's table",
    "torch_architecture": "build scripts and the compiled list inside the wheels",
}


class Unread(Exception):
    """Something could not be read; says what and why."""


class Gone(Unread):
    """The index has no such thing."""


def normalised(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def ask_pip(*arguments):
    answer = subprocess.run([sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else ""


def pip_setting(name):
    """A setting as pip would see it: environment, then configuration."""
    if value := os.environ.get("PIP_" + name.upper().replace("-", "_")):
        return value
    return next(filter(None, (ask_pip("config", "get", f"{section}.{name}") for section in ("install", "global"))), "")


def index_url():
    if url := pip_setting("index-url"):
        return url.rstrip("/") + "/"
    from pip._internal.models.index import PyPI

    return PyPI.simple_url.rstrip("/") + "/"


# --- the index ---------------------------------------------------------------


class Links(html.parser.HTMLParser):
    """The files in a project's HTML page (PEP 503, 592, 658, 714)."""

    def __init__(self):
        super().__init__()
        self.files = []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "a" and attrs.get("href"):
            self.files.append(
                {
                    "url": attrs["href"],
                    "requires": attrs.get("data-requires-python"),
                    "yanked": (attrs["data-yanked"] or "") if "data-yanked" in attrs else None,
                    "uploaded": attrs.get("data-upload-time"),
                    "metadata": "data-core-metadata" in attrs or "data-dist-info-metadata" in attrs,
                }
            )


def json_files(page):
    files = []
    for file in page["files"]:
        yanked = file.get("yanked", False)
        files.append(
            {
                "url": file["url"],
                "requires": file.get("requires-python"),
                "yanked": None if yanked is False else "" if yanked is True else yanked,
                "uploaded": file.get("upload-time"),
                "metadata": bool(file.get("core-metadata") or file.get("dist-info-metadata")),
            }
        )
    return files


class Index:
    """File lists and metadata of projects, each asked for once."""

    def __init__(self, cache):
        self.cache = cache
        self.asked = 0

    @functools.cached_property
    def base(self):
        url = index_url()
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise Unread(f"pip's index is no web address: {url}")
        return url

    @functools.cached_property
    def tls(self):
        return ssl.create_default_context(cafile=pip_setting("cert") or None)

    def get(self, url, headers=None, whole=True):
        """The answer to a request as (address, headers, body); `whole=False` takes a partial answer only."""
        request = urllib.request.Request(url, headers={"User-Agent": "envcheck-refresh-knowledge", **(headers or {})})
        for attempt in range(TRIES):
            pause = 2**attempt
            try:
                self.asked += 1
                with urllib.request.urlopen(request, timeout=TIMEOUT, context=self.tls) as answer:
                    if not whole and answer.status != 206:
                        raise Unread("the server does not answer range requests")
                    return answer.geturl(), answer.headers, answer.read()
            except urllib.error.HTTPError as fault:
                if fault.code in (404, 410):
                    raise Gone(f"{fault.code} {fault.reason}") from fault
                if fault.code not in (408, 425, 429, 500, 502, 503, 504):
                    raise Unread(f"{fault.code} {fault.reason}") from fault
                reason = fault
                after = fault.headers.get("Retry-After") or ""
                pause = min(int(after), 60) if after.isdigit() else pause
            except (OSError, http.client.HTTPException) as fault:
                reason = fault
            if attempt + 1 < TRIES:
                time.sleep(pause)
        raise Unread(str(reason))

    def cached(self, kind, name, make):
        """Text from the cache, or made and kept there."""
        if not self.cache:
            return make()
        path = self.cache / kind / name
        if path.exists():
            return path.read_text(encoding="utf-8")
        text = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
        return text

    def files(self, project):
        """The files of a project; the fragment of their address is left out."""

        def make():
            accept = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
            url, headers, body = self.get(urllib.parse.urljoin(self.base, project + "/"), {"Accept": accept})
            if "json" in (headers.get("Content-Type") or ""):
                try:
                    files = json_files(json.loads(body))
                except (ValueError, KeyError, TypeError) as fault:
                    raise Unread(f"the index sent no file list: {fault}") from fault
            else:
                links = Links()
                links.feed(body.decode("utf-8", "replace"))
                files = links.files
            for file in files:
                file["url"] = urllib.parse.urljoin(url, file["url"]).partition("#")[0]
                file["name"] = urllib.parse.unquote(file["url"].rpartition("/")[2])
            return json.dumps(files, indent=0)

        return json.loads(self.cached("index", f"{project}.json", make))

    def metadata(self, file):
        """METADATA of a wheel."""

        def make():
            if file["metadata"]:
                try:
                    return self.get(file["url"] + ".metadata")[2].decode("utf-8", "replace")
                except Gone:
                    pass
            with zipfile.ZipFile(Ranged(self, file["url"])) as wheel:
                names = [name for name in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
                if not names:
                    raise Unread("no METADATA in the wheel")
                if wheel.getinfo(names[0]).file_size > METADATA_LIMIT:
                    raise Unread("METADATA is too large")
                return wheel.read(names[0]).decode("utf-8", "replace")

        try:
            text = self.cached("metadata", re.sub(r"[^\w.+-]", "_", file["name"]), make)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError) as fault:
            raise Unread(f"no wheel: {fault}") from fault
        # The parser stops at the blank line before the description.
        return email.parser.HeaderParser().parsestr(text)


class Ranged(io.RawIOBase):
    """A file on a server, read in pieces: first its end, where an archive keeps its directory."""

    TAIL = 128 << 10
    PIECE = 16 << 10

    def __init__(self, index, url):
        super().__init__()
        self.index, self.url, self.at, self.pieces = index, url, 0, []
        _, headers, body = index.get(url, {"Range": f"bytes=-{self.TAIL}"}, whole=False)
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", headers.get("Content-Range") or "")
        if not match:
            raise Unread("the server does not tell the size of the wheel")
        self.size = int(match[2])
        self.pieces.append((int(match[1]), body))

    def seekable(self):
        return True

    def readable(self):
        return True

    def tell(self):
        return self.at

    def seek(self, offset, whence=io.SEEK_SET):
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence]
        return self.at

    def readinto(self, buffer):
        data = self.piece(self.at, min(len(buffer), max(0, self.size - self.at)))
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)

    def read(self, size=-1):
        if size < 0:
            size = max(0, self.size - self.at)
        data = self.piece(self.at, min(size, max(0, self.size - self.at)))
        self.at += len(data)
        return data

    def piece(self, start, size):
        if not size:
            return b""
        for first, data in self.pieces:
            if first <= start and start + size <= first + len(data):
                return data[start - first : start - first + size]
        last = min(self.size, start + max(size, self.PIECE)) - 1
        _, _, data = self.index.get(self.url, {"Range": f"bytes={start}-{last}"}, whole=False)
        if len(data) < size:
            raise Unread("the server sent less than asked for")
        self.pieces.append((start, data))
        return data[:size]


# --- file names and requirements -----------------------------------------------


def version_of(text):
    """A version, or nothing for what is none."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


def minor(python):
    return int(python.partition(".")[2])


def allows(requires, python):
    """Whether some patch release of a Python satisfies `Requires-Python`; what cannot be read takes nothing away."""
    try:
        allowed = SpecifierSet(requires or "")
    except InvalidSpecifier:
        return True
    return any(allowed.contains(f"{python}.{patch}") for patch in (0, 5, 20))


def wheel_pythons(name, requires, pythons):
    """Version and Pythons of a Linux x86_64 wheel, or nothing."""
    match = re.fullmatch(r"([^-]+)-([^-]+)(?:-\d[^-]*)?-([^-]+)-([^-]+)-([^-]+)\.whl", name)
    if not match:
        return None
    _, version, tags, abis, platforms = match.groups()
    if not any(re.fullmatch(r"any|(manylinux\w*|linux)_x86_64", platform) for platform in platforms.split(".")):
        return None
    found = set()
    for tag in tags.split("."):
        for abi in abis.split("."):
            if exact := re.fullmatch(r"cp3(\d+)", tag):
                if abi == "abi3":
                    found |= {python for python in pythons if minor(python) >= int(exact[1])}
                elif abi in ("none", tag, tag + "m"):
                    found.add(f"3.{exact[1]}")
            elif (open_ended := re.fullmatch(r"(?:py|cp)3(\d*)", tag)) and abi in ("none", "abi3"):
                found |= {python for python in pythons if minor(python) >= int(open_ended[1] or 0)}
    return version, {python for python in found if python in pythons and allows(requires, python)}


class Release:
    """What a project published under one version for Linux x86_64."""

    def __init__(self, version):
        self.version = version
        self.wheels = []  # (file, Pythons)
        self.pythons = set()
        self.uploaded = ""
        self.yanked = None
        self.source = False

    def by_python(self):
        """One wheel for each set of Pythons, the newest Python first; the first stands for the release."""
        best = lambda wheel: (wheel[0]["yanked"] is None, max(map(minor, wheel[1]), default=0), wheel[0]["name"])
        found = {}
        for file, covered in sorted(self.wheels, key=best, reverse=True):
            found.setdefault(frozenset(covered), file)
        return [(file, covered) for covered, file in found.items()]

    def runs_on(self):
        """The Pythons of its wheels, yanked or not."""
        return self.pythons or {python for _, covered in self.wheels for python in covered}


def releases(files, pythons):
    """A project's releases by version."""
    found = {}
    for file in files:
        if sdist := re.fullmatch(r".+?-(\d[^-]*)\.(?:tar\.gz|tar\.bz2|zip|tgz)", file["name"]):
            version, covered = sdist[1], None
        elif wheel := wheel_pythons(file["name"], file["requires"], pythons):
            version, covered = wheel
        elif other := re.fullmatch(r"[^-]+-([^-]+)-.*\.whl", file["name"]):
            version, covered = other[1], False
        else:
            continue
        if not (version := version_of(version)):
            continue
        release = found.setdefault(version, Release(version))
        if file["yanked"] is not None:
            release.yanked = file["yanked"] or "no reason given"
        elif covered is None:
            release.source = True
        else:
            release.pythons |= covered or set()
        release.uploaded = max(release.uploaded, (file["uploaded"] or "")[:10])
        if covered not in (None, False):
            release.wheels.append((file, covered))
    for release in found.values():
        # Single yanked files do not yank a release that has others.
        if release.source or release.pythons or any(file["yanked"] is None for file, _ in release.wheels):
            release.yanked = None
    return found


REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^]]*\])?\s*\(?([^;()]*)\)?\s*(?:;(.*))?", re.DOTALL)


def clauses(text):
    return [re.sub(r"\s+", "", clause) for clause in text.split(",") if clause.strip()]


def canonical(text):
    """A range for comparing: the order of the clauses and the spelling of versions do not matter."""
    found = set()
    for clause in clauses(text):
        operator, version = re.fullmatch(r"([=<>!~]*)(.*)", clause).groups()
        parsed = version_of(version)
        found.add(operator + (str(parsed) if parsed else version))
    return frozenset(found)


def spoken(pythons):
    """Pythons as `Python 3.9` or `Python 3.9 to 3.12`."""
    pythons = sorted(set(pythons), key=minor)
    return f"Python {pythons[0]}" + (f" to {pythons[-1]}" if len(pythons) > 1 else "")


def required(metadata, component, pythons, extra):
    """The ranges for a component, each with its Pythons; an empty range accepts any version."""
    found = {}
    for python in sorted(pythons, key=minor):
        environment = {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": "x86_64",
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "sys_platform": "linux",
            "python_version": python,
            "python_full_version": f"{python}.9",
            "implementation_version": f"{python}.9",
            "extra": extra,
        }
        parts, named = [], False
        for line in metadata.get_all("Requires-Dist") or []:
            match = REQUIREMENT.fullmatch(line)
            if not match or normalised(match[1]) != component:
                continue
            marker = (match[3] or "").strip()
            if extra and "extra" not in marker:
                continue
            try:
                if marker and not Marker(marker).evaluate(environment):
                    continue
            except InvalidMarker as fault:
                raise Unread(f"marker of {component}: {marker}") from fault
            named = True
            parts += [clause for clause in clauses(match[2]) if clause not in parts]
        if named:
            found.setdefault(",".join(parts), []).append(python)
    return found


# --- the report ------------------------------------------------------------------


def harmless(text):
    """Text of others, for one line of Markdown inside a code span."""
    return re.sub(r"[`\s\x00-\x1f]+", " ", str(text)).strip()[:600]


class Report:
    """What was found about one table."""

    def __init__(self, table):
        self.table = table
        self.checked = self.equal = 0
        self.differences, self.notes, self.unread, self.paste = [], [], [], []

    def differs(self, subject, text):
        self.differences.append((subject, text))

    def add(self, row):
        lines = ["[[row]]"]
        for key, value in row.items():
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
        self.paste.append("\n".join(lines))

    def figures(self):
        return (
            f"{self.checked} rows checked, {self.equal} equal, {len(self.differences)} differences, "
            f"{len(self.paste)} rows to add, {len(self.unread)} not read"
        )


def written(reports, skipped, markdown):
    lines = []
    if markdown:
        lines += [
            "| table | rows checked | equal | differences | rows to add | not read |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for report in reports:
            lines.append(
                f"| {report.table} | {report.checked} | {report.equal} | {len(report.differences)} | "
                f"{len(report.paste)} | {len(report.unread)} |"
            )
        lines.append("")
    for report in reports:
        lines.append(f"## {report.table}" if markdown else f"{report.table}: {report.figures()}")
        if markdown:
            lines += ["", report.figures() + ".", ""]
        for subject, text in report.differences:
            lines.append(
                f"- `{harmless(subject)}`: `{harmless(text)}`"
                if markdown
                else f"  {harmless(subject)}: {harmless(text)}"
            )
        for text in report.notes:
            lines.append(f"- note: `{harmless(text)}`" if markdown else f"  note: {harmless(text)}")
        for text in report.unread:
            lines.append(f"- not read: `{harmless(text)}`" if markdown else f"  not read: {harmless(text)}")
        if report.paste:
            rows = "\n\n".join(report.paste)
            lines += ["", "Rows to add:", "", f"```toml\n{rows}\n```"] if markdown else ["", rows]
        lines.append("")
    lines += ["## Not derived here", ""] if markdown else ["Not derived here:"]
    for table, reason in skipped.items():
        lines.append(f"- {table}: {reason}" if markdown else f"  {table}: {reason}")
    return "\n".join(lines) + "\n"


# --- the tables --------------------------------------------------------------------


class Work:
    """Tables, options and what was read."""

    def __init__(self, options):
        self.options = options
        self.index = Index(options.offline_cache)
        self.tables = {}
        for path in sorted(KNOWLEDGE.glob("*.toml")):
            with path.open("rb") as file:
                self.tables[path.stem] = tomllib.load(file)
        known = {python for row in self.rows("wheel_python") for python in row["python"]}
        newest = max([minor(python) for python in known] + [minor(options.newest_python or "3.0")])
        self.pythons = {f"3.{number}" for number in range(OLDEST_PYTHON, newest + 1)}
        self.projects = {}
        self.pool = concurrent.futures.ThreadPoolExecutor(PARALLEL)

    def rows(self, table):
        return self.tables[table]["row"]

    def checked(self, table):
        return self.tables[table]["table"]["checked"]

    def wanted(self, names):
        """The names that the options leave, each once."""
        return [name for name in dict.fromkeys(names) if not self.options.package or name in self.options.package]

    def newest(self, items):
        """The newest of a sorted list, as many as the options allow."""
        return items[-self.options.limit :] if self.options.limit else items

    def read_projects(self, names):
        """Reads the file lists; what fails stands in the place of the releases."""

        def read(name):
            try:
                return releases(self.index.files(name), self.pythons)
            except Unread as fault:
                return fault

        missing = [name for name in names if name not in self.projects]
        self.projects.update(zip(missing, self.pool.map(read, missing), strict=True))
        return {name: self.projects[name] for name in names}

    def read_metadata(self, wanted):
        """Metadata of releases, by the key that each comes with; what fails stands in its place."""

        def read(release):
            try:
                if not release.wheels:
                    raise Unread("no Linux x86_64 wheel")
                return self.index.metadata(release.by_python()[0][0])
            except Unread as fault:
                return fault

        return dict(zip(wanted, self.pool.map(read, wanted.values()), strict=True))

    def fresh(self, project, rows, checked):
        """Releases without a row that came after the table was checked, and those beyond its newest row before that.

        Where the index tells no date, all of the latter count as new.
        """
        new, left_out = [], []
        for version, release in sorted(project.items()):
            if version.is_prerelease or release.yanked is not None or version in rows or not release.wheels:
                continue
            beyond = version > max(rows)
            if release.uploaded > checked or beyond and (not release.uploaded or release.uploaded == checked):
                new.append(release)
            elif beyond:
                (new if self.options.left_out else left_out).append(release)
            elif self.options.between and version > min(rows):
                new.append(release)
        return new, left_out


def project_failed(report, name, fault):
    if isinstance(fault, Gone):
        report.differs(name, "the index has no such project any more")
    else:
        report.unread.append(f"{name}: {fault}")


def refresh_needs(work):
    report = Report("needs")
    table = {}  # project -> version -> component -> row
    statements = 0
    for row in work.rows("needs"):
        version = version_of(row["release"])
        if version and row.get("locator", "Requires-Dist").startswith("Requires-Dist"):
            table.setdefault(row["package"], {}).setdefault(version, {})[row["component"]] = row
        else:
            statements += 1
    names = work.wanted(table)
    projects = work.read_projects(names)
    wanted = {}
    for name in names:
        project = projects[name]
        if isinstance(project, Unread):
            project_failed(report, name, project)
            continue
        for version in work.newest(sorted(table[name])):
            report.checked += len(table[name][version])
            if release := project.get(version):
                wanted[name, version] = release
            else:
                report.differs(f"{name} {version}", "the release is gone from the index")
        new, left_out = work.fresh(project, table[name], work.checked("needs"))
        for release in work.newest(new):
            wanted[name, release.version] = release
        if left_out:
            report.notes.append(
                f"{name}: {len(left_out)} releases beyond the newest row were there when the table was checked, "
                f"{left_out[0].version} to {left_out[-1].version} (--left-out)"
            )
    metadata = work.read_metadata(wanted)
    several, varying, yanked = [], {}, {}
    for (name, version), release in wanted.items():
        shown, rows = f"{name} {version}", table[name].get(version)
        if isinstance(metadata[name, version], Unread):
            report.unread.append(f"{shown}: {metadata[name, version]}")
            continue
        if rows and release.yanked is not None:
            yanked.setdefault(name, []).append(str(version))
        # The newest row of a component says where in the metadata to look.
        followed = {component: row for _, by in sorted(table[name].items()) for component, row in by.items()}
        additions = []
        for component, example in followed.items():
            row = (rows or {}).get(component)
            extra = re.search(r"extra (\S+)", (row or example).get("locator", ""))
            extra = extra[1] if extra else ""
            try:
                found = required(metadata[name, version], component, release.runs_on() or work.pythons, extra)
                if row and [canonical(text) for text in found] != [canonical(row["range"])]:
                    # Wheels of one release can declare different things.
                    found = {}
                    for file, covered in release.by_python():
                        for text, by in required(work.index.metadata(file), component, covered, extra).items():
                            found[text] = found.get(text, []) + by
            except Unread as fault:
                report.unread.append(f"{shown}: {fault}")
                continue
            by_python = "; ".join(f"{text or 'any'} on {spoken(by)}" for text, by in found.items())
            # What holds on every Python.
            common = [
                clause for clause in clauses(next(iter(found), "")) if all(clause in clauses(text) for text in found)
            ]
            if row and canonical(row["range"]) in map(canonical, found):
                report.equal += 1
                silent = (release.runs_on() or work.pythons).difference(*found.values())
                if len(found) > 1:
                    several.append(f"{shown}: {component}{row['range']} is one of several, {by_python}")
                elif silent:
                    several.append(f"{shown}: {component}{row['range']} is not required on {spoken(silent)}")
            elif row:
                now = f"the metadata says {by_python}" if found else "the metadata does not name it"
                report.differs(shown, f"{component}{row['range']}, {now}")
            elif common:
                if rows and len(found) > 1 and not work.options.left_out:
                    varying.setdefault((name, component), []).append(str(version))
                    continue
                new = {"package": name, "release": str(version), "component": component, "range": ",".join(common)}
                if "locator" in example:
                    new["locator"] = example["locator"]
                additions.append(new)
                if rows:
                    report.differs(shown, f"no row for {component}, the metadata says {by_python}")
                elif len(found) > 1:
                    report.notes.append(f"{shown}: the row for {component} holds what all Pythons share of {by_python}")
        if not rows:
            new = f"new release of {release.uploaded or 'unknown date'}"
            if additions:
                report.differs(shown, f"{new}: {', '.join(row['component'] + row['range'] for row in additions)}")
            else:
                report.notes.append(f"{shown}: {new}, no range for a followed component")
        for row in additions:
            report.add(row)
    for (name, component), versions in varying.items():
        report.notes.append(
            f"{name}: no row for {component} of {len(versions)} releases, {versions[0]} to {versions[-1]}, "
            "whose range depends on the Python (--left-out)"
        )
    for name, versions in yanked.items():
        report.notes.append(f"{name}: yanked, the rows stay true where they are installed: {', '.join(versions)}")
    report.notes += several
    if statements:
        report.notes.append(f"{statements} rows cite a report and are not derived from metadata")
    return report


def spoken_run(row):
    only = ", wheels only" if row.get("wheels_only") else ""
    return f"{row['first']} to {row['last']}: {' '.join(row['python'])}{only}"


def refresh_wheel_python(work):
    report = Report("wheel_python")
    table = {}
    for row in work.rows("wheel_python"):
        table.setdefault(row["package"], []).append(row)
    names = work.wanted(table)
    for name, project in work.read_projects(names).items():
        if isinstance(project, Unread):
            project_failed(report, name, project)
            continue
        wheels_only = not any(release.source for release in project.values())
        runs = []
        for version, release in sorted(project.items()):
            pythons = sorted(release.pythons, key=minor)
            if version.is_prerelease or not pythons:
                continue
            if runs and runs[-1]["python"] == pythons:
                runs[-1]["last"] = str(version)
            else:
                runs.append({"package": name, "first": str(version), "last": str(version), "python": pythons})
        if wheels_only:
            for run in runs:
                run["wheels_only"] = True
        rows = work.newest(table[name])
        if len(rows) < len(table[name]):
            runs = [run for run in runs if Version(run["last"]) >= Version(rows[0]["first"])]
        facts = lambda row: (Version(row["first"]), Version(row["last"]), row["python"], row.get("wheels_only", False))
        derived = [facts(run) for run in runs]
        report.checked += len(rows)
        stale = [row for row in rows if facts(row) not in derived]
        report.equal += len(rows) - len(stale)
        for row in stale:
            report.differs(name, f"row to remove or change: {spoken_run(row)}")
        for run in runs:
            if facts(run) not in [facts(row) for row in rows]:
                report.differs(name, f"derived: {spoken_run(run)}")
                report.add(run)
    beyond = sorted(
        {
            int(tag)
            for name in names
            if not isinstance(work.projects[name], Unread)
            for release in work.projects[name].values()
            for file, _ in release.wheels
            for tag in re.findall(r"-cp3(\d+)-", file["name"])
            if f"3.{tag}" not in work.pythons and int(tag) > OLDEST_PYTHON
        }
    )
    for number in beyond:
        report.differs(
            "Python", f"there are wheels for 3.{number}, which no row names: run again with --newest-python 3.{number}"
        )
    return report


MANYLINUX = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


def glibc_of(platform):
    """The oldest glibc that a platform tag asks for, or nothing for what is no manylinux tag of x86_64."""
    if named := re.fullmatch(r"(manylinux\d+)_x86_64", platform):
        return MANYLINUX.get(named[1])
    if exact := re.fullmatch(r"manylinux_(\d+)_(\d+)_x86_64", platform):
        return int(exact[1]), int(exact[2])
    return None


def libc_runs(name, files):
    """Runs of releases whose wheels ask for the same; a release with a wheel for any platform asks for nothing."""
    found = {}
    for file in files:
        if sdist := re.fullmatch(r".+?-(\d[^-]*)\.(?:tar\.gz|tar\.bz2|zip|tgz)", file["name"]):
            version, platforms = sdist[1], []
        elif wheel := re.fullmatch(r"[^-]+-([^-]+)(?:-\d[^-]*)?-[^-]+-[^-]+-([^-]+)\.whl", file["name"]):
            version, platforms = wheel[1], wheel[2].split(".")
        else:
            continue
        version = version_of(version)
        if version is None or version.is_prerelease or file["yanked"] is not None:
            continue
        release = found.setdefault(version, {"floors": [], "musl": False, "aarch64": False, "sdist": False, "free": False})
        release["sdist"] |= not platforms
        release["free"] |= any(platform in ("any", "linux_x86_64") for platform in platforms)
        release["musl"] |= any(re.fullmatch(r"musllinux_\d+_\d+_x86_64", platform) for platform in platforms)
        release["aarch64"] |= any(re.fullmatch(r"(manylinux\w*|linux)_aarch64", platform) for platform in platforms)
        release["floors"] += [floor for platform in platforms if (floor := glibc_of(platform))]
    runs = []
    for version, release in sorted(found.items()):
        if release["free"] or not release["floors"]:
            runs.append(None)
            continue
        facts = {"glibc": ".".join(map(str, min(release["floors"])))}
        facts |= {key: True for key in ("musl", "aarch64", "sdist") if release[key]}
        if runs and runs[-1] and {key: runs[-1].get(key) for key in ("glibc", "musl", "aarch64", "sdist")} == {
            key: facts.get(key) for key in ("glibc", "musl", "aarch64", "sdist")
        }:
            runs[-1]["last"] = str(version)
        else:
            runs.append({"package": name, "first": str(version), "last": str(version)} | facts)
    return [run for run in runs if run]


def refresh_wheel_libc(work):
    report = Report("wheel_libc")
    table = {}
    # Rows with an address are about wheels that the index does not have.
    for row in work.rows("wheel_libc"):
        if "address" not in row:
            table.setdefault(row["package"], []).append(row)
    for name in work.wanted(table):
        try:
            runs = libc_runs(name, work.index.files(name))
        except Unread as fault:
            project_failed(report, name, fault)
            continue
        plain = lambda row: {key: value for key, value in row.items() if key not in ("locator", "checked")}
        report.checked += len(table[name])
        for row in table[name]:
            if plain(row) in runs:
                report.equal += 1
            else:
                report.differs(name, f"row to remove or change: {plain(row)}")
        for run in runs:
            if run not in [plain(row) for row in table[name]]:
                report.differs(name, f"derived: {run}")
                report.add(run)
    return report


def refresh_torch_release(work):
    report = Report("torch_release")
    if not work.wanted(["torch"]):
        return report
    project = work.read_projects(["torch"])["torch"]
    if isinstance(project, Unread):
        project_failed(report, "torch", project)
        return report
    table = {Version(row["version"]): row for row in work.rows("torch_release")}
    wanted = {}
    for version in work.newest(sorted(table)):
        report.checked += 1
        if version in project:
            wanted[version] = project[version]
        else:
            report.differs(f"torch {version}", "the release is gone from the index")
    new, _ = work.fresh(project, table, work.checked("torch_release"))
    for release in work.newest(new):
        wanted[release.version] = release
    silent = []
    for version, metadata in work.read_metadata(wanted).items():
        shown, row = f"torch {version}", table.get(version)
        if isinstance(metadata, Unread):
            report.unread.append(f"{shown}: {metadata}")
            continue
        if row and wanted[version].yanked is not None:
            report.notes.append(f"{shown}: yanked, the row stays true where it is installed")
        pins = {}
        for line in metadata.get_all("Requires-Dist") or []:
            match = REQUIREMENT.fullmatch(line)
            pin = match and re.fullmatch(r"==([\d.]+)\*?", "".join(clauses(match[2])))
            if pin:
                pins[normalised(match[1])] = pin[1].rstrip(".")
        toolkit = next(
            (pins[name] for name in pins if re.fullmatch(r"cuda-toolkit|nvidia-cuda-runtime(-cu\d+)?", name)), None
        )
        cudnn = next((pins[name] for name in pins if re.fullmatch(r"nvidia-cudnn(-cu\d+)?", name)), None)
        if not toolkit:
            if row:
                silent.append(str(version))
            else:
                report.differs(shown, "new release; its metadata pins no CUDA, look into the wheel")
            continue
        derived = {"version": str(version), "cuda": ".".join(toolkit.split(".")[:2])}
        if cudnn:
            derived["cudnn"] = cudnn
        if not row:
            report.differs(shown, f"new release of {wanted[version].uploaded or 'unknown date'}")
            report.add(derived)
        elif (row.get("cuda"), row.get("cudnn")) == (derived["cuda"], cudnn):
            report.equal += 1
        else:
            report.differs(
                shown,
                f"CUDA {row.get('cuda')}, cuDNN {row.get('cudnn')}; the pins say CUDA {derived['cuda']}, cuDNN {cudnn}",
            )
    if silent:
        report.checked -= len(silent)
        report.notes.append(
            f"{len(silent)} rows without NVIDIA pins in the metadata, not derived: {silent[0]} to {silent[-1]}"
        )
    return report


ONNX_PROGRAM = """
import json, onnx, onnx.defs, onnx.helper
schemas = [[s.domain, s.name, s.since_version, bool(s.deprecated)] for s in onnx.defs.get_all_schemas_with_history()]
print(json.dumps({"version": onnx.__version__, "releases": onnx.helper.VERSION_TABLE, "schemas": schemas}))
"""


def onnx_package(work):
    """What the newest onnx package says about releases and operators."""

    def make():
        with tempfile.TemporaryDirectory() as folder:
            install = [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--only-binary=:all:",
                "--target",
                folder,
                "onnx",
            ]
            environment = {**os.environ, "PYTHONPATH": folder}
            for command in (install, [sys.executable, "-c", ONNX_PROGRAM]):
                done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
                if done.returncode:
                    raise Unread(f"the onnx package: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
            return done.stdout

    return json.loads(work.index.cached("onnx", "package.json", make))


def refresh_onnx_release(work, package):
    report = Report("onnx_release")
    entries = {Version(entry[0]): entry[1:4] for entry in package["releases"]}
    table = {Version(row["version"]): row for row in work.rows("onnx_release")}
    project = work.read_projects(["onnx"])["onnx"]
    if isinstance(project, Unread):
        project_failed(report, "onnx", project)
        project = {}
    published = {
        version for version, release in project.items() if not version.is_prerelease and release.yanked is None
    }
    for version in sorted(set(table) | {version for version in published if version >= min(table)}):
        row = table.get(version)
        same = [entry for entry in entries if entry.release[:2] == version.release[:2] and entry <= version]
        derived = None
        if same:
            ir, opset, ml_opset = entries[max(same)]
            derived = {"version": str(version), "ir": ir, "opset": opset, "ml_opset": ml_opset}
            if max(same) != version:
                derived["locator"] = "entry of the same minor"
        report.checked += row is not None
        if row and derived and {**row, "version": derived["version"]} == derived:
            report.equal += 1
        elif row:
            report.differs(f"onnx {version}", f"{row}, derived {derived}")
        elif derived:
            report.differs(f"onnx {version}", "no row")
            report.add(derived)
        else:
            report.notes.append(f"onnx {version}: no row, and VERSION_TABLE has no entry of its minor up to it")
    report.notes.append(
        f"from onnx {package['version']}; the table names {work.tables['onnx_release']['table']['source']}"
    )
    return report


def refresh_onnx_operator(work, package):
    report = Report("onnx_operator")
    derived = {}
    for domain, name, since, deprecated in package["schemas"]:
        row = derived.setdefault((domain or "ai.onnx", name), {"since": set()})
        row["since"].add(since)
        if deprecated:
            row["deprecated"] = max(since, row.get("deprecated", 0))
    for row in derived.values():
        row["since"] = sorted(row["since"])
    table = {(row["domain"], row["name"]): row for row in work.rows("onnx_operator")}
    for key in sorted(set(table) | set(derived)):
        row, shown = table.get(key), " ".join(key)
        report.checked += row is not None
        # `refused` is measured with ONNX Runtime.
        facts = {name: row[name] for name in ("since", "deprecated") if name in row} if row else None
        if facts == derived.get(key):
            report.equal += 1
            continue
        report.differs(shown, f"{facts or 'no row'}, derived {derived.get(key, 'nothing: the operator is gone')}")
        if key in derived:
            report.add({"domain": key[0], "name": key[1], **derived[key]})
    report.notes.append(
        f"from onnx {package['version']}; the table names {work.tables['onnx_operator']['table']['source']}"
    )
    return report


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], epilog="Exit: 0 no differences, 3 differences, 2 could not work."
    )
    parser.add_argument(
        "--table", action="append", choices=DERIVED, help="only this table (may be given several times)"
    )
    parser.add_argument(
        "--package", action="append", type=normalised, help="only this project (may be given several times)"
    )
    parser.add_argument(
        "--limit", type=int, default=0, metavar="N", help="only the newest N releases (or runs) of each project"
    )
    parser.add_argument(
        "--offline-cache",
        type=pathlib.Path,
        metavar="DIR",
        help="keep answers here and take them from here; never expires",
    )
    parser.add_argument(
        "--newest-python",
        metavar="3.N",
        help="newest Python to count for wheels that are open upwards (default: the tables' newest)",
    )
    parser.add_argument(
        "--left-out", action="store_true", help="also what `needs` seems to leave out on purpose (see the notes)"
    )
    parser.add_argument(
        "--between", action="store_true", help="also releases of `needs` without a row between others that have one"
    )
    parser.add_argument(
        "--with-onnx", action="store_true", help="install onnx into a temporary folder and derive its tables"
    )
    parser.add_argument("--markdown", action="store_true", help="write Markdown")
    options = parser.parse_args()
    if options.limit < 0:
        parser.error("--limit is a number of releases")
    if options.newest_python and not re.fullmatch(r"3\.\d+", options.newest_python):
        parser.error("--newest-python is written 3.N")
    if not options.with_onnx and set(options.table or []) & set(FROM_ONNX):
        parser.error("the onnx tables need --with-onnx")
    return options


def main():
    options = arguments()
    work = Work(options)
    tables = options.table or [table for table in DERIVED if options.with_onnx or table not in FROM_ONNX]
    followed = {"torch", "onnx"} | {row["package"] for table in ("needs", "wheel_python", "wheel_libc") for row in work.rows(table)}
    if unknown := set(options.package or []) - followed:
        raise Unread(f"no table follows {', '.join(sorted(unknown))}")
    skipped = {}
    for table in work.tables:
        if table in DERIVED and table not in tables:
            needs_onnx = table in FROM_ONNX and not options.with_onnx
            skipped[table] = "derivable, but not asked for" + (" (--with-onnx)" if needs_onnx else "")
        elif table not in DERIVED:
            skipped[table] = NOT_DERIVED.get(table, "unknown to this program: add a reason or a derivation")
    reports, package = [], None
    for table in tables:
        if table in FROM_ONNX:
            try:
                package = package or onnx_package(work)
            except Unread as fault:
                report = Report(table)
                report.unread.append(str(fault))
                reports.append(report)
                continue
        if table in FROM_ONNX:
            reports.append(
                {"onnx_release": refresh_onnx_release, "onnx_operator": refresh_onnx_operator}[table](work, package)
            )
        else:
            refresh = {
                "needs": refresh_needs,
                "wheel_python": refresh_wheel_python,
                "wheel_libc": refresh_wheel_libc,
                "torch_release": refresh_torch_release,
            }
            reports.append(refresh[table](work))
    sys.stdout.write(written(reports, skipped, options.markdown))
    print(f"{work.index.asked} requests", file=sys.stderr)
    if any(report.differences for report in reports):
        return 3
    return 2 if any(report.unread for report in reports) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Unread, OSError, tomllib.TOMLDecodeError, KeyError) as fault:
        print(f"could not work: {type(fault).__name__}: {fault}", file=sys.stderr)
        sys.exit(2)
