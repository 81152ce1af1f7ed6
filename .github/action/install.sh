#!/usr/bin/env bash
# The first step of action.yml: brings a released envcheck, checked against its digest, and says where it is as the
# output `program`.
#
# Reads INPUT_VERSION, INPUT_PROGRAM, ACTION_REPOSITORY, ACTION_REF and what a runner sets; writes $GITHUB_OUTPUT.
set -euo pipefail

fail() {
  echo "::error title=envcheck::$1"
  exit 2
}

if [ -n "${INPUT_PROGRAM:-}" ]; then
  program=$(command -v -- "$INPUT_PROGRAM") || fail "the program that the input names is not there"
  case $program in /*) ;; *) program=$PWD/$program ;; esac
else
  case ${RUNNER_OS:-}-${RUNNER_ARCH:-} in
    Linux-X64) target=x86_64-unknown-linux-musl ;;
    Linux-ARM64) target=aarch64-unknown-linux-musl ;;
    macOS-X64) target=x86_64-apple-darwin ;;
    macOS-ARM64) target=aarch64-apple-darwin ;;
    Windows-X64) target=x86_64-pc-windows-msvc ;;
    *) fail "there is no release for this kind of runner; the input program takes one of your own" ;;
  esac
  version=${INPUT_VERSION:-}
  if [ -z "$version" ] && [[ ${ACTION_REF:-} =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ ]]; then
    version=$ACTION_REF
  fi
  version=${version:-latest}
  [[ $version =~ ^(latest|v?[0-9]+\.[0-9]+\.[0-9]+)$ ]] || fail "expected a version such as 0.1.0, or latest"
  [ -n "${ACTION_REPOSITORY:-}" ] || fail "this is no released action; the input program takes a program of your own"
  releases=${GITHUB_SERVER_URL:-https://github.com}/$ACTION_REPOSITORY/releases
  if [ "$version" = latest ]; then
    from=$releases/latest/download
  else
    from=$releases/download/v${version#v}
  fi
  folder=${RUNNER_TEMP:?}/envcheck-program
  mkdir -p "$folder"
  cd "$folder"
  archive=envcheck-$target.tar.gz
  for file in "$archive" "$archive.sha256"; do
    curl --fail --silent --show-error --location --proto '=https' --retry 3 --output "$file" "$from/$file" ||
      fail "could not download $file of release $version"
  done
  if command -v sha256sum >/dev/null; then sha256sum --check "$archive.sha256"; else shasum -a 256 --check "$archive.sha256"; fi ||
    fail "the archive is not the one that its digest belongs to"
  tar -xzf "$archive"
  program=$folder/envcheck-$target/envcheck
  [ "${RUNNER_OS:-}" != Windows ] || program=$program.exe
fi

"$program" --version
[[ $program != *$'\n'* ]] || fail "expected a path of one line"
printf 'program=%s\n' "$program" >>"$GITHUB_OUTPUT"
