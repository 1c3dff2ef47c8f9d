#!/bin/sh
# Makes sure that the system has what the build and the tests start: a C and a C++ compiler, git, bubblewrap, ripgrep, strace.
# With the argument `browser`: Chromium, for the tests of examples/. It may be missing: then these are skipped, except under CI.
# Installs what is missing where that is possible (root on Debian or Ubuntu); else names the command and stops.
set -eu

missing=""
need() { # program, Debian package
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
if [ "${1:-}" = browser ]; then
    need chromium chromium
    need chromedriver chromium-driver
    without=0 # status if they stay missing
else
    need cc gcc
    need c++ g++
    need git git
    need bwrap bubblewrap
    need rg ripgrep
    need strace strace
    without=1
fi

if ! command -v cargo >/dev/null 2>&1; then
    echo "Rust is missing: install rustup and a toolchain of version 1.95 or newer, then run this again." >&2
    exit 1
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing$missing"
    apt-get update -qq || exit "$without"
    # shellcheck disable=SC2086 # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null || exit "$without"
else
    echo "Missing:$missing" >&2
    echo "Install them, for example with: sudo apt-get install$missing" >&2
    exit "$without"
fi
