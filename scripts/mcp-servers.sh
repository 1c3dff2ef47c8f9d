#!/bin/sh
# Installs MCP servers of other makers for tests/mcp_servers: those of PyPI (extra `mcp-servers`) into the Python that is named, those of npm into the folder.
# Without npm the latter are missing: then their tests are skipped, except under CI.
set -eu
python=$1
folder=$2

"$python" scripts/dependencies.py mcp-servers > "$folder-requirements.txt"
"$python" -m pip --disable-pip-version-check --quiet install --constraint constraints.txt --requirement "$folder-requirements.txt"

if ! command -v npm >/dev/null 2>&1; then
    echo "npm is missing, and with it the MCP servers for Node.js. Install it, for example with: sudo apt-get install npm" >&2
    [ -z "${CI:-}" ] || exit 1
    exit 0
fi
mkdir -p "$folder"
cp tests/mcp_servers/npm/package.json tests/mcp_servers/npm/package-lock.json "$folder"
npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --silent
