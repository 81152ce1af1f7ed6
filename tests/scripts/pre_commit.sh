#!/usr/bin/env bash
# Runs the hooks with the real pre-commit in a scratch repository: a bad change is blocked, a good one passes.
#
#   tests/scripts/pre_commit.sh [--python] [ENVCHECK]
#
# The hook `envcheck-system` runs ENVCHECK (target/debug/envcheck); nothing is fetched. With --python the hook `envcheck`
# is tried as well, which builds the committed state of this repository with the network and takes minutes. pre-commit is
# taken from the PATH, else installed once beside the build, which needs the network.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD

by_python=
if [ "${1:-}" = --python ]; then
  by_python=yes
  shift
fi
target=${CARGO_TARGET_DIR:-target}
program=$(realpath "${1:-$target/debug/envcheck}")
[ -x "$program" ] || { echo "$program is not built" >&2; exit 1; }

pre_commit=$(command -v pre-commit || true)
if [ -z "$pre_commit" ]; then
  tools=$target/pre-commit-tools
  if [ ! -x "$tools/bin/pre-commit" ]; then
    python3 -m venv "$tools"
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check 'pre-commit>=4,<5'
  fi
  pre_commit=$(realpath "$tools/bin/pre-commit")
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PRE_COMMIT_HOME=$work/cache
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=someone GIT_AUTHOR_EMAIL=someone@example.invalid
export GIT_COMMITTER_NAME=someone GIT_COMMITTER_EMAIL=someone@example.invalid
# What a surrounding hook sets is about another repository.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

# pre-commit takes hooks from commits only: this one holds the manifest as it stands here.
git init --quiet "$work/hooks"
cp .pre-commit-hooks.yaml "$work/hooks"
git -C "$work/hooks" add .
git -C "$work/hooks" commit --quiet -m "Offer hooks"

# try HOOKS ID: a repository whose hooks come from there.
try() {
  local hooks=$1 id=$2 project=$work/project-$2
  git init --quiet "$project"
  cp -r "$root"/fixtures/projects/sklearn-api/mended/. "$project"
  cat >"$project/envcheck.toml" <<'EOF'
[environment.train]
role = "training"
inputs = ["train"]

[environment.serve]
role = "serving"
inputs = ["serve"]
EOF
  cat >"$project/.pre-commit-config.yaml" <<EOF
repos:
  - repo: $hooks
    rev: $(git -C "$hooks" rev-parse HEAD)
    hooks:
      - id: $id
EOF
  (
    cd "$project"
    git add .
    git commit --quiet -m "Begin"
    "$pre_commit" install >/dev/null
    commit() { PATH=$(dirname "$program"):$PATH git commit --all -m "$1" >"$work/said" 2>&1; }

    echo "# a remark that changes nothing" >>serve/requirements.txt
    commit "Change nothing" || { echo "$id blocked a good change" >&2; cat "$work/said" >&2; exit 1; }
    grep -q 'Passed' "$work/said" || { echo "$id did not run on a good change" >&2; cat "$work/said" >&2; exit 1; }

    cp "$root/fixtures/projects/sklearn-api/broken/serve/requirements.txt" serve/requirements.txt
    if commit "Break serving"; then
      echo "$id let a bad change pass" >&2
      cat "$work/said" >&2
      exit 1
    fi
    for said in Failed EC105 EC205; do
      grep -q "$said" "$work/said" || { echo "$id does not say $said" >&2; cat "$work/said" >&2; exit 1; }
    done

    git checkout --quiet HEAD -- serve
    echo "nothing that envcheck reads" >README.md
    git add README.md
    commit "Write a README" || { cat "$work/said" >&2; exit 1; }
    grep -q 'Skipped' "$work/said" || { echo "$id ran for a README" >&2; cat "$work/said" >&2; exit 1; }
  )
  echo "$id: passed a good change, blocked a bad one, left a README alone"
}

try "$work/hooks" envcheck-system
if [ -n "$by_python" ]; then
  git clone --quiet "$root" "$work/clone"
  try "$work/clone" envcheck
fi
