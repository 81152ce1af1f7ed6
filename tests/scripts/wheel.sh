#!/usr/bin/env bash
# Builds the wheel, installs it into a fresh environment, and compares the quickstart with the envcheck in it.
#
#   tests/scripts/wheel.sh [--release]
#
# Needs python3 with venv. maturin is taken from the PATH, else installed once beside the build, which needs the network.
# Without --release the wheel carries what `cargo build` makes: the packaging is the same, and nothing is compiled twice.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=${CARGO_TARGET_DIR:-target}
profile=(--profile dev)
[ "${1:-}" != --release ] || profile=(--release)

maturin=$(command -v maturin || true)
if [ -z "$maturin" ]; then
  tools=$target/wheel-tools
  maturin=$tools/bin/maturin
  if [ ! -x "$maturin" ]; then
    python3 -m venv "$tools"
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check 'maturin>=1.9,<2'
  fi
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Nothing is linked against Python, so that the wheel is the same for all of them.
"$maturin" build "${profile[@]}" --locked --compatibility linux --out "$work/dist" >"$work/log" 2>&1 ||
  { cat "$work/log" >&2; exit 1; }
wheels=("$work"/dist/envcheck_ml-*-py3-none-*.whl)
[ -f "${wheels[0]}" ] || { echo "there is no wheel for every Python 3 in $(ls "$work/dist")" >&2; exit 1; }

python3 -m venv "$work/fresh"
"$work/fresh/bin/python" -m pip install --quiet --disable-pip-version-check --no-index "${wheels[0]}"
envcheck=$work/fresh/bin/envcheck

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
case $("$envcheck" --version) in "envcheck $version "*) ;; *) "$envcheck" --version >&2; exit 1 ;; esac
grep -q "^Version: $version$" "$work"/fresh/lib/python*/site-packages/envcheck_ml-*.dist-info/METADATA
"$envcheck" diff fixtures/quickstart/train fixtures/quickstart/serve --format concise --fail-on never >"$work/found"
grep -q 'EC301' "$work/found" || { cat "$work/found" >&2; exit 1; }
echo "$(basename "${wheels[0]}") ($(du -k "${wheels[0]}" | cut -f 1) KiB): installed, and it found $(wc -l <"$work/found") lines of findings"
