#!/usr/bin/env bash
# Prints a Python interpreter that has the peers of the benchmarks (duckdb, chdb),
# installing them into .tools when the system's has not.
set -euo pipefail
cd "$(dirname "$0")/.."
python3 -c 'import duckdb, chdb' 2> /dev/null && { echo python3; exit; }
python=.tools/python/bin/python
[ -x $python ] || python3 -m venv .tools/python
for package in duckdb chdb; do
  # A peer that cannot be installed is left out of the reports.
  $python -c "import $package" 2> /dev/null || .tools/python/bin/pip install -q $package >&2 || echo "no $package" >&2
done
echo $python
