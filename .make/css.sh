#!/usr/bin/env bash
# Prints one style sheet: every @import of the given file replaced by what it names, in order.
# `@import "x.css" layer(name);` becomes `@layer name { ... }`; all other lines stay as they are.
. "$(dirname "$0")/common.sh"

main="${1:?usage: css.sh main.css}"
awk -v folder="$(dirname "$main")" '
  /^[ \t]*@import[ \t]/ {
    if (!match($0, /"[^"]+"/)) { print FILENAME ": an @import without a quoted name" > "/dev/stderr"; exit 1 }
    file = folder "/" substr($0, RSTART + 1, RLENGTH - 2)
    layer = ""
    if (match($0, /layer\([^)]+\)/)) layer = substr($0, RSTART + 6, RLENGTH - 7)
    if (layer != "") print "@layer " layer " {"
    while ((state = (getline line < file)) > 0) print line
    if (state < 0) { print FILENAME ": cannot read " file > "/dev/stderr"; exit 1 }
    close(file)
    if (layer != "") print "}"
    next
  }
  { print }
' "$main"
