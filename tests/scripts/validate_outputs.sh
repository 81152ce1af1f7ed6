#!/usr/bin/env bash
# Validates what envcheck writes with public validators: tests/scripts/validate_outputs.sh target/debug/envcheck
#
#   sarif       check-jsonschema against the schema of SARIF 2.1.0, then Microsoft's SARIF Multitool with its rules for
#               what GitHub accepts (where npm is there)
#   gitlab      check-jsonschema against gitlab-code-quality.schema.json beside this script
#   junit       junitparser; xmllint against the schema of Jenkins' xunit plugin, to which `file` and `line` of a test are
#               added, since GitLab reads the first and editors read both
#   checkstyle  xmllint
#   json-lines  check-jsonschema against src/report/json-lines.schema.json
#   markdown    cmarkgfm, the parser of GitHub: of a hostile input nothing but envcheck's own markup may be left
#   workflows   check-jsonschema with its schemas of GitHub's workflows and actions
#
# The validators are installed once, into the folder that ENVCHECK_VALIDATORS names or into target/validators.
set -euo pipefail

program=$(realpath "${1:?expected the program to validate, such as target/debug/envcheck}")
scripts=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$scripts/../.." && pwd)
cache=${ENVCHECK_VALIDATORS:-$root/target/validators}
mkdir -p "$cache"
cache=$(realpath "$cache")
python=$cache/venv/bin/python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"

if ! [ -e "$cache/ready-2" ]; then
  python3 -m venv "$cache/venv"
  "$python" -m pip install --quiet 'check-jsonschema==0.39.*' 'junitparser==5.*' 'cmarkgfm==2025.*'
  # The sources of pytest carry the schema of Jenkins.
  "$python" -m pip download --quiet --no-deps --no-binary :all: --dest "$work" 'pytest==8.3.5'
  tar -xOf "$work"/pytest-8.3.5.tar.gz pytest-8.3.5/testing/example_scripts/junit-10.xsd >"$cache/junit-10.xsd"
  sed -i 's|\(.*\)<xs:attribute name="classname" type="xs:string"/>|&\n\1<xs:attribute name="file" type="xs:string"/>\n\1<xs:attribute name="line" type="xs:positiveInteger"/>|' "$cache/junit-10.xsd"
  if command -v npm >/dev/null; then
    npm install --silent --no-audit --no-fund --prefix "$cache/npm" \
      @microsoft/jest-sarif@1.0.0-beta.0 @microsoft/sarif-multitool-linux@5.7.0 >/dev/null
  fi
  touch "$cache/ready-2"
fi
check="$cache/venv/bin/check-jsonschema --quiet --no-cache"
modules=$cache/npm/node_modules/@microsoft

if command -v xmllint >/dev/null; then
  lint=(xmllint --noout)
else
  echo "skipped: xmllint is not installed (libxml2-utils); XML is only parsed by Python" >&2
  lint=()
fi

# Rich cases: several findings, a model, one side alone, several comparisons, and one without findings.
write() {
  local name=$1
  shift
  local outputs=()
  for format in sarif github gitlab junit checkstyle json-lines markdown; do
    outputs+=("--output=$format=$work/$name.$format")
  done
  "$program" "$@" "${outputs[@]}" --fail-on never >/dev/null
}
rules=fixtures/rules
write quickstart diff fixtures/quickstart/train fixtures/quickstart/serve
write two-servers check --config fixtures/outputs/two-servers/envcheck.toml
write alone check fixtures/quickstart/serve
write operators check $rules/missing-kernel/fires/serve
write opset check $rules/opset-too-new/fires/serve --model $rules/opset-too-new/fires/model.onnx
write drift diff $rules/build-drift/fires/train $rules/build-drift/fires/serve
write clean diff $rules/driver-too-old/quiet/serve $rules/driver-too-old/quiet/serve --select EC301

# File names and lines that try to be markup, links, mentions and cells.
evil="requirements-<b>|\`]] @all #12 www.evil.example.txt"
mkdir "$work/in"
printf 'numpy==1.26.4\nscipy==1.11.0\n' >"$work/in/train.txt"
printf 'numpy==2.0.1 # <img src=x> [a](https://evil.example) a@evil.example |\\|\nonnxruntime==1.16.3\nscipy\n' >"$work/in/$evil"
write hostile diff "$work/in/train.txt" "$work/in/$evil"

if [ -d "$modules/jest-sarif" ]; then
  # Both schemas have a pattern that only Python reads.
  for schema in "$modules/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json" "$modules/sarif-multitool-linux/sarif-2.1.0.json"; do
    $check --regex-variant python --schemafile "$schema" "$work"/*.sarif
  done
  chmod +x "$modules/sarif-multitool-linux/Sarif.Multitool"
  # SARIF2005 asks for the address of the program, which is only written where Cargo.toml has one.
  DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$modules/sarif-multitool-linux/Sarif.Multitool" validate "$work"/*.sarif \
    --rule-kind 'Sarif;Ghas' --level 'Error;Warning' --kind Fail >"$work/multitool.txt" || true
  grep -q 'Analysis completed successfully' "$work/multitool.txt" || { cat "$work/multitool.txt"; exit 1; }
  if grep -E ': (error|warning) [A-Z]+[0-9]+' "$work/multitool.txt" | grep -v SARIF2005; then
    echo "the SARIF is not what GitHub accepts" >&2
    exit 1
  fi
  echo "sarif: valid by both schemas of 2.1.0; SARIF Multitool with GitHub's rules finds nothing"
else
  echo "skipped: npm is not installed, and with it the schema of SARIF" >&2
fi

$check --schemafile "$scripts/gitlab-code-quality.schema.json" "$work"/*.gitlab
echo "gitlab: valid"

[ "${#lint[@]}" -eq 0 ] || "${lint[@]}" --schema "$cache/junit-10.xsd" "$work"/*.junit 2>"$work/lint.txt" || { cat "$work/lint.txt"; exit 1; }
[ "${#lint[@]}" -eq 0 ] || "${lint[@]}" "$work"/*.checkstyle
"$python" - "$work" <<'PYTHON'
"""Reads the XML as CI servers do: counts that agree, names that are unique, a passing test in every suite."""
import pathlib, sys, xml.etree.ElementTree as tree
from junitparser import Failure, JUnitXml, Skipped

for path in sorted(pathlib.Path(sys.argv[1]).glob("*.junit")):
    report = JUnitXml.fromfile(str(path))
    names = set()
    for suite in report:
        cases = list(suite)
        kinds = [[type(result) for result in case.result] for case in cases]
        assert suite.tests == len(cases), path
        assert suite.failures == sum(Failure in kind for kind in kinds), path
        assert suite.skipped == sum(Skipped in kind for kind in kinds), path
        assert any(not kind for kind in kinds), f"{path}: no test passes"
        for case in cases:
            assert (case.classname, case.name) not in names, f"{path}: {case.name} twice"
            names.add((case.classname, case.name))
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.checkstyle")):
    for error in tree.parse(path).iter("error"):
        assert error.get("severity") in ("error", "warning", "info") and int(error.get("line")) > 0, path
PYTHON
echo "junit, checkstyle: valid"

# A line of JSON lines is a document of its own.
"$python" - "$work" <<'PYTHON'
import json, pathlib, sys

for path in pathlib.Path(sys.argv[1]).glob("*.json-lines"):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        json.loads(line)
        path.with_suffix(f".{number}.line").write_text(line, encoding="utf-8")
PYTHON
$check --schemafile src/report/json-lines.schema.json "$work"/*.line
echo "json-lines: valid"

"$python" - "$work" <<'PYTHON'
"""Annotations as GitHub's runner reads them, at most ten of a level; comments within GitHub's limit, and inert."""
import collections, pathlib, re, sys
import cmarkgfm
from cmarkgfm.cmark import Options

for path in pathlib.Path(sys.argv[1]).glob("*.github"):
    levels = collections.Counter()
    for line in path.read_text(encoding="utf-8").splitlines():
        found = re.fullmatch(r"::(error|warning|notice) ((?:\w+=[^,:]*)(?:,\w+=[^,:]*)*)::(.+)", line)
        assert found, f"{path}: {line}"
        levels[found[1]] += 1
    assert all(count <= 10 for count in levels.values()), f"{path}: {levels}"
for path in pathlib.Path(sys.argv[1]).glob("*.markdown"):
    text = path.read_text(encoding="utf-8")
    assert len(text) <= 65536, path
    html = cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE)
    own = "b br code details h3 li p pre span strong sub summary table tbody td th thead tr ul".split()
    tags = set(re.findall(r"</?(\w+)", html))
    assert tags <= set(own), f"{path}: {tags - set(own)}"
    assert not re.search(r"<a |<img", html), path
    rows = re.findall(r"<tr>.*?</tr>", html, re.DOTALL)
    assert len({row.count("<t") for row in rows}) <= 1, f"{path}: rows of several lengths"
PYTHON
echo "github, markdown: within limits; no markup, link or cell comes from an input"

shopt -s nullglob
workflows=(.github/workflows/*.yml .github/workflows/*.yaml)
[ "${#workflows[@]}" -eq 0 ] || $check --builtin-schema vendor.github-workflows "${workflows[@]}"
[ ! -e action.yml ] || $check --builtin-schema vendor.github-actions action.yml
[ ! -e .gitlab-ci.yml ] || $check --builtin-schema vendor.gitlab-ci .gitlab-ci.yml
echo "workflows and actions: valid"
