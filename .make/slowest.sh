#!/usr/bin/env bash
# Prints the ten tests that took longest of those that unit.sh ran last. Only nextest keeps the time of each.
. "$(dirname "$0")/common.sh"

reports=("$TARGET"/nextest/junit*.xml)
if [ ! -e "${reports[0]}" ]; then
  echo "the slowest tests: not known, cargo nextest is not installed"
  exit
fi
echo "the slowest tests"
# A test is one line: <testcase name="module::test" classname="crate::binary" timestamp="..." time="1.234">
awk '
  function value(name) { return match($0, " " name "=\"[^\"]*\"") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4) : "" }
  /<testcase / { printf "%9.1f s  %s  %s%s\n", value("time"), value("classname"), value("name"), FILENAME ~ /postgres/ ? "  (PostgreSQL)" : "" }
' "${reports[@]}" | sort -rn | head -n 10 || true
