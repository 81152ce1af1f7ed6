#!/bin/sh
# Takes the pictures of the HTML report for the README, and checks that nothing in it is wider than a narrow screen.
#
# usage: .github/scripts/screenshot.sh [ENVCHECK]
#
# Needs chromium. The pictures show the quickstart fixtures, 1280 and 400 pixels wide, as far as the first findings.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
envcheck=$(realpath "${1:-$root/target/release/envcheck}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

browser() {
    chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --hide-scrollbars --allow-file-access-from-files \
        --user-data-dir="$work/profile" "$@" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
}

# A browser's window has a least width; a frame inside it has none.
frame() {
    cat >"$work/frame-$1.html" <<EOF
<!DOCTYPE html><html><body style="margin:0"><iframe id="report" src="report.html" style="border:0;width:$1px;height:$2px;display:block"></iframe>
<p id="width"></p><script>addEventListener("load", function () {
  var seen = document.getElementById("report").contentDocument.documentElement;
  document.getElementById("width").textContent = "scrolls " + seen.scrollWidth + " of " + seen.clientWidth;
});</script></body></html>
EOF
}

cd "$root/fixtures/quickstart"
"$envcheck" diff train serve --format html --fail-on never >"$work/report.html"

for width in 320 400 768 1280 1920; do
    frame "$width" 3000
    browser --window-size="$((width < 500 ? 500 : width)),3000" --dump-dom "file://$work/frame-$width.html" >"$work/dom"
    seen=$(sed -n 's/.*id="width">scrolls \([0-9]* of [0-9]*\).*/\1/p' "$work/dom")
    [ "$seen" = "$width of $width" ] || { echo "at $width pixels the page is $seen wide" >&2; exit 1; }
done

browser --window-size=1280,1400 --screenshot="$root/.github/report.png" "file://$work/report.html"
# Two frames as wide as a phone, the second one scrolled to where the first one ends: the window cannot be that narrow.
cat >"$work/narrow.html" <<EOF
<!DOCTYPE html><html><body style="margin:0;display:flex;gap:20px;background:#c8ccd2">
<iframe src="report.html" style="border:0;width:400px;height:1400px"></iframe>
<iframe id="more" src="report.html" style="border:0;width:400px;height:1400px"></iframe>
<script>document.getElementById("more").addEventListener("load", function () {
  this.contentWindow.scrollTo(0, 1400);
});</script></body></html>
EOF
browser --window-size=820,1400 --screenshot="$root/.github/report-narrow.png" "file://$work/narrow.html"
ls -l "$root/.github/report.png" "$root/.github/report-narrow.png"
