"""Records what `pip check` and `uv pip check` say about small, mostly broken environments.

For every case: `pip inspect` as JSON, and the verdicts of both tools, under fixtures/pip-check/<case>/.
Distributions that need no code are only metadata, written straight into an empty virtual environment; the rest comes
from PyPI through pip. What would name the machine is taken out: paths, files, the kernel's release.

    python3 tests/scripts/pip_check_cases.py [CASE...]
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

TOOLS = ["pip==26.3", "uv==0.13.9"]
OUT = Path(__file__).resolve().parents[2] / "fixtures" / "pip-check"
ANY = "py3-none-any"


def dist(name, version, *requires, python=None, tags=(ANY,), url=None):
    """A distribution that is metadata only."""
    return {"name": name, "version": version, "requires": requires, "python": python, "tags": tags, "url": url}


CASES = {
    "ok": [
        dist("app", "1.0", "base>=1.2,<2", "tools ~= 3.1", "base != 1.3"),
        dist("base", "1.2.5"),
        dist("tools", "3.4"),
    ],
    "missing": [
        dist("app", "1.0", "base>=1.2", "absent", "absent-too >=2,<3", "gone ; python_version >= '3.6'"),
        dist("base", "1.2"),
        dist("other", "0.1", "absent>=1"),
    ],
    "wrong-version": [
        dist("app", "1.0", "base>=2", "tools==3.1", "old<1", "compatible~=1.4.2", "prefix==1.*", "not-this!=1.5"),
        dist("base", "1.5"),
        dist("tools", "3.1.1"),
        dist("old", "1.0"),
        dist("compatible", "1.5"),
        dist("prefix", "2.0"),
        dist("not-this", "1.5.0"),
        dist("zeros", "1.0", "prefix==2", "old==1.0.0"),
    ],
    "extras": [
        dist("app", "1.0", "base[fast]>=1", "tools", "self-made ; extra == 'all'"),
        dist("base", "1.0", "absent-fast>=2 ; extra == 'fast'", "absent-slow ; extra == 'slow'", "plain>=2"),
        dist("tools", "2.0", "app[all]", "base[nothing]"),
        dist("plain", "1.0"),
    ],
    "markers": [
        dist(
            "app",
            "1.0",
            "a-old ; python_version < '3.8'",
            "b-new ; python_version >= '3.8'",
            "c-win ; sys_platform == 'win32'",
            "d-linux ; sys_platform == 'linux' and platform_machine == 'x86_64'",
            "e-arm ; platform_machine == 'aarch64' or platform_machine == 'arm64'",
            "f-cpython ; implementation_name == 'cpython' and os_name == 'posix'",
            "g-pypy ; platform_python_implementation == 'PyPy'",
            "h-full ; python_full_version >= '3.11.1' and (sys_platform != 'win32' or extra == 'x')",
            "i-system>=2 ; platform_system == 'Linux'",
            "i-system<1 ; platform_system == 'Windows'",
            "j-in ; sys_platform in 'linux darwin'",
            "k-never ; extra == 'x' or python_version not in '3.11, 3.12'",
        ),
        dist("b-new", "1.0"),
        dist("i-system", "1.5"),
    ],
    "prerelease": [
        dist("app", "1.0", "rc>=2.0", "dev>=1.0", "below<2.0", "post>1.0", "exact==1.0", "alpha>=1.0a1,<1.1"),
        dist("rc", "2.0rc1"),
        dist("dev", "2.0.dev3"),
        dist("below", "2.0b1"),
        dist("post", "1.0.post1"),
        dist("exact", "1.0.post1"),
        dist("alpha", "1.0a2"),
        dist("before", "1.0", "post<=1.0", "dev<2.0", "rc!=2.0", "alpha==1.*"),
    ],
    "local-label": [
        dist("same", "1.0", "torch==2.1.0"),
        dist("other-build", "1.0", "torch==2.1.0+cu121"),
        dist("this-build", "1.0", "torch==2.1.0+cu118"),
        dist("newer", "1.0", "torch>2.1.0"),
        dist("not", "1.0", "torch!=2.1.0"),
        dist("at-most", "1.0", "torch<=2.1.0", "torch>=2.1.0", "torch~=2.1.0"),
        dist("arbitrary", "1.0", "torch===2.1.0"),
        dist("below", "1.0", "torch<2.1.0"),
        dist("torch", "2.1.0+cu118"),
    ],
    "requires-python": [
        dist("too-new", "1.0", python=">=3.12"),
        dist("too-old", "2.0", "fits", python="<3.11"),
        dist("fits", "1.0", python=">=3.8,!=3.9.*"),
        dist("patch", "1.0", python=">=3.11.50"),
        dist("this", "1.0", python="==3.11.*"),
    ],
    "several": [
        dist("app", "1.0", "base>=2", "absent", "tools<3"),
        dist("base", "1.5", "tools>=5", "gone==1.0 ; python_version >= '3'", python=">=3.13"),
        dist("tools", "4.0", "app>=2", "base<1", "tools-extra"),
        dist("leaf", "0.1", "app[x]<1", "base==1.5"),
    ],
    "url": [
        dist("app", "1.0", "base @ https://packages.example/base-2.0-py3-none-any.whl", "tools @ git+https://packages.example/tools.git@v2", "absent @ https://packages.example/absent-1.0.tar.gz"),
        dist("base", "1.0"),
        dist("tools", "1.0", url="https://packages.example/tools-1.0-py3-none-any.whl"),
        dist("user", "1.0", "base @ https://packages.example/base-1.0-py3-none-any.whl ; python_version < '3'"),
    ],
    "names": [
        dist("App.One", "1.0", "Foo_Bar.Baz>=2", "PLAIN", "under__score"),
        dist("foo-bar-baz", "1.0"),
        dist("Plain", "1.0", "app_one>=1", "APP-ONE<1"),
        dist("under_score", "1.0"),
    ],
    "old-spelling": [
        dist("app", "1.0", "base (>=1.2,<2)", "tools (==3.1)", "dated==2004.4", "vee==v1.0", "rev==1.0-1"),
        dist("base", "2.1"),
        dist("tools", "3.1"),
        dist("dated", "2004.04"),
        dist("vee", "1.0"),
        dist("rev", "1.0.post1"),
        dist("greek", "1.0", "beta>=1.0beta2", "beta<1.0-rc1"),
        dist("beta", "1.0b3"),
    ],
    "legacy-version": [
        dist("app", "1.0", "dated>=2004", "base>=2"),
        dist("dated", "2004d"),
        dist("base", "1.0"),
    ],
    "legacy-requirement": [
        dist("app", "1.0", "base>=1.2.*", "base>=2"),
        dist("other", "1.0", "base>=3"),
        dist("base", "1.0"),
    ],
    "cycle": [
        dist("one", "1.0", "two>=1"),
        dist("two", "1.0", "three>=2", "one"),
        dist("three", "1.0", "one<1", "three[more]", "two"),
    ],
    "installers": [
        dist("app", "1.0", "setuptools>=60", "pip>=99", "wheel", "distribute"),
        dist("pip", "26.3"),
    ],
    "platform": [
        dist("foreign", "1.0", "absent", tags=("cp39-cp39-win_amd64",)),
        dist("mixed", "1.0", tags=("cp39-cp39-win_amd64", ANY)),
        dist("newer-python", "1.0", tags=("cp313-cp313-manylinux_2_17_x86_64",)),
    ],
    "duplicate": [
        dist("app", "1.0", "base>=2"),
        dist("base", "1.0"),
        dist("base", "2.0"),
    ],
    "ml-numpy": ["numpy==2.0.0", "scipy==1.9.3", "pandas==1.5.3", "joblib==1.3.2"],
    "ml-transformers": ["transformers==4.30.2", "tokenizers==0.15.2", "huggingface-hub==0.23.0", "packaging==24.1", "filelock==3.13.1", "PyYAML==6.0.1", "requests==2.31.0", "typing_extensions==4.12.2"],
    "ml-serving": ["fastapi==0.110.0", "starlette==0.27.0", "pydantic==2.5.0", "pydantic-core==2.14.1", "typing_extensions==4.7.1", "annotated-types==0.6.0", "uvicorn==0.29.0", "click==7.1.2"],
}


def write(folder, made):
    stem = f"{re.sub(r'[-_.]+', '_', made['name'])}-{made['version']}.dist-info"
    info = folder / stem
    info.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {made['name']}", f"Version: {made['version']}"]
    if made["python"]:
        lines.append(f"Requires-Python: {made['python']}")
    lines += [f"Requires-Dist: {it}" for it in made["requires"]]
    extras = sorted({it for text in made["requires"] for it in re.findall(r"extra == '(\w+)'", text)})
    lines += [f"Provides-Extra: {it}" for it in extras]
    (info / "METADATA").write_text("\n".join(lines) + "\n")
    tags = "".join(f"Tag: {tag}\n" for tag in made["tags"])
    (info / "WHEEL").write_text(f"Wheel-Version: 1.0\nGenerator: cases\nRoot-Is-Purelib: true\n{tags}")
    (info / "INSTALLER").write_text("pip\n")
    (info / "RECORD").write_text(f"{stem}/METADATA,,\n")
    if made["url"]:
        (info / "direct_url.json").write_text(json.dumps({"url": made["url"], "archive_info": {}}))


def run(*command):
    found = subprocess.run([str(it) for it in command], capture_output=True, text=True)
    return found.returncode, found.stdout, found.stderr


def trimmed(report):
    """What envcheck reads of the report, and nothing about the machine."""
    keep = ("name", "version", "requires_dist", "requires_python", "provides_extra")
    installed = []
    for item in report["installed"]:
        entry = {"metadata": {key: value for key, value in item["metadata"].items() if key in keep}}
        if "direct_url" in item:
            entry["direct_url"] = item["direct_url"]
        installed.append(entry | {"installer": item.get("installer", "")})
    environment = dict(report["environment"], platform_release="", platform_version="")
    installed.sort(key=lambda item: (item["metadata"]["name"].lower(), item["metadata"]["version"]))
    return {"version": report["version"], "pip_version": report["pip_version"], "installed": installed, "environment": environment}


def clean(text, home):
    text = text.replace(str(home), "").replace(str(Path.home()), "")
    # Only verdicts matter; times and notices differ from run to run.
    lines = [line for line in text.splitlines() if not re.match(r"(Checked|Using|\[notice\]|Resolved)", line)]
    return "\n".join(sorted(lines)) + "\n" if lines else ""


def main():
    wanted = sys.argv[1:] or list(CASES)
    with tempfile.TemporaryDirectory() as home:
        home = Path(home)
        venv.create(home / "tools", with_pip=True)
        tools = home / "tools" / "bin"
        code, _, said = run(tools / "python", "-m", "pip", "install", "--quiet", *TOOLS)
        assert code == 0, said
        for name in wanted:
            where = home / name
            venv.create(where, with_pip=False)
            python = where / "bin" / "python"
            site = next((where / "lib").glob("python*/site-packages"))
            pip = [tools / "python", "-m", "pip", "--python", python]
            for item in CASES[name]:
                if isinstance(item, dict):
                    write(site, item)
                else:
                    code, _, said = run(*pip, "install", "--quiet", "--no-deps", "--only-binary", ":all:", item)
                    assert code == 0, said
            out = OUT / name
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
            code, report, said = run(*pip, "inspect")
            assert code == 0, said
            (out / "inspect.json").write_text(json.dumps(trimmed(json.loads(report)), indent=1) + "\n")
            _, stdout, stderr = run(*pip, "check")
            (out / "pip-check.txt").write_text(clean(stdout + stderr, home))
            _, stdout, stderr = run(tools / "uv", "pip", "check", "--python", python)
            (out / "uv-check.txt").write_text(clean(stdout + stderr, home))
            shutil.rmtree(where)
            print(name)


if __name__ == "__main__":
    main()
