/**
 * The `codebuild-…` commands for a container, which need not have Node: scripts for `sh` that do what the modules of this
 * folder do, with `find`, `awk`, `sort` and `sha256sum` of the image. Where one is missing the script says which, and where
 * a pattern has more than `*`, `**`, `?`, `[…]`, `{a,b}` and `\x`, it refuses that pattern: it never answers something else
 * than the module would. Gaps: file names with line breaks; `x/**` never
 * means a file `x` itself, which the module's library lets some such patterns mean.
 */
import { MAX_VARIABLE_BYTES } from "./tests-run.ts";

/** Reads paths, prints those that the patterns in KILN_PATTERNS match or that KILN_EXACT has. */
const MATCH_AWK = String.raw`
function fail(pattern) {
  printf "%s: the pattern %s is not understood in a container; it may have *, **, ?, [...], {a,b} and \\x\n", ENVIRON["KILN_TOOL"], pattern | "cat >&2"
  close("cat >&2"); failed = 1; exit 3
}
# Brackets in regular expressions differ between awks: one character at a time.
function has(text, characters,   at) {
  for (at = 1; at <= length(characters); at++) if (index(text, substr(characters, at, 1))) return 1
  return 0
}
function literal(c) {
  if (c == "^") return "\\^"
  if (c == "\\") return "\\\\"
  return c == "/" || c ~ /[a-zA-Z0-9_ -]/ ? c : "[" c "]"
}
function ere(pattern,   out, at, c, end, braces, before) {
  out = "^"; braces = 0
  if (pattern ~ /^!/) fail(pattern)
  for (at = 1; at <= length(pattern); at++) {
    c = substr(pattern, at, 1)
    before = at == 1 ? "/" : substr(pattern, at - 1, 1)
    if (c == "*") {
      if (substr(pattern, at, 3) == "**/" && before == "/") { out = out "(.*/)?"; at += 2; continue }
      if (substr(pattern, at) == "**" && before == "/") { out = out ".*"; at++; continue }
      if (substr(pattern, at + 1, 1) == "*") fail(pattern)
      out = out "[^/]*"
    } else if (c == "?") out = out "[^/]"
    else if (c == "[") {
      end = index(substr(pattern, at + 2), "]")
      if (end == 0) fail(pattern)
      c = substr(pattern, at + 1, end)
      if (has(c, "\\[/")) fail(pattern)
      sub(/^!/, "^", c)
      out = out "[" c "]"; at += end + 1
    } else if (c == "{") {
      end = index(substr(pattern, at), "}")
      c = substr(pattern, at + 1, end - 2)
      if (braces || end == 0 || !index(c, ",") || index(c, "..") || has(c, "{/*")) fail(pattern)
      out = out "("; braces = 1
    } else if (c == "," && braces) out = out "|"
    else if (c == "}" && braces) { out = out ")"; braces = 0 }
    else if (c == "\\") { at++; if (at > length(pattern)) fail(pattern); out = out literal(substr(pattern, at, 1)) }
    else if (index("(){}|]", c)) fail(pattern)
    else out = out literal(c)
  }
  return out "$"
}
BEGIN {
  count = split(ENVIRON["KILN_PATTERNS"], patterns, "\n")
  for (i = 1; i <= count; i++) if (patterns[i] != "") regexes[++known] = ere(patterns[i])
  count = split(ENVIRON["KILN_EXACT"], exacts, "\n")
  for (i = 1; i <= count; i++) exact[exacts[i]] = 1
}
{
  sub(/^\.\//, "")
  if ($0 in exact) { print; next }
  for (i = 1; i <= known; i++) if ($0 ~ regexes[i]) { print; next }
}
END { if (failed) exit 3 }
`;

const head = (tool: string): string => String.raw`#!/bin/sh
KILN_TOOL=${tool}; export KILN_TOOL
fail() { echo "$KILN_TOOL: $2" >&2; exit "$1"; }
need() { for tool; do command -v "$tool" >/dev/null 2>&1 || fail 127 "it needs \`$tool\`, which the image does not have"; done; }
newline='
'
`;

const MATCH = `
match() { awk '${MATCH_AWK}'; }
# An unfit pattern is told before anything is searched.
export KILN_PATTERNS KILN_EXACT; match </dev/null || exit 2
`;

const GLOB_SEARCH = `
[ $# -gt 0 ] || fail 2 "expected one or more glob patterns"
need find awk sort
for pattern; do
  while :; do case $pattern in ./*) pattern=\${pattern#./} ;; *) break ;; esac; done
  KILN_PATTERNS=$KILN_PATTERNS$pattern$newline
done
${MATCH}
find . -type d -name .git -prune -o -type f -print | match | LC_ALL=C sort -u
`;

const HASH_FILES = String.raw`
[ $# -gt 0 ] || fail 1 "expected one or more glob patterns"
need find awk sort sha256sum
patterns=$*
cd "${"$"}{CODEBUILD_SRC_DIR:-.}" || exit 1
for pattern; do
  case $pattern in "$PWD"/*) pattern=${"$"}{pattern#"$PWD"/} ;; esac
  while :; do case $pattern in ./*) pattern=${"$"}{pattern#./} ;; *) break ;; esac; done
  case $pattern in /*|..*) continue ;; esac
  if [ -f "$pattern" ] && [ ! -L "$pattern" ]; then KILN_EXACT=$KILN_EXACT$pattern$newline
  else KILN_PATTERNS=$KILN_PATTERNS$pattern$newline; fi
done
${MATCH}
lines=$(find . \( -type f -o -type l \) -print | match | LC_ALL=C sort -u | while IFS= read -r path; do
  if [ -L "$path" ]; then hash=$(readlink -n "$path" | sha256sum); else hash=$(sha256sum < "$path"); fi
  printf '%s  %s\n' "${"$"}{hash%% *}" "$path"
done)
[ -n "$lines" ] || fail 1 "no file matches $patterns"
lines=$(printf '%s\n' "$lines" | sha256sum)
printf '%s\n' "${"$"}{lines%% *}"
`;

const TESTS_RUN = String.raw`
names="--test-command, --files-search, --sharding-strategy"
strategy=equal-distribution
while [ $# -gt 0 ]; do
  name=${"$"}{1%%=*}
  case $name in --test-command|--files-search|--sharding-strategy) ;; *) fail 2 "unknown argument $name, expected $names" ;; esac
  case $1 in
    *=*) value=${"$"}{1#*=}; shift ;;
    *) [ $# -gt 1 ] || fail 2 "$name needs a value"; value=$2; shift 2 ;;
  esac
  case $name in --test-command) command=$value ;; --files-search) search=$value ;; *) strategy=$value ;; esac
done
trimmed() { printf '%s' "$1" | awk '{ text = text (NR > 1 ? "\n" : "") $0 } END { gsub(/^[ \t\n]+|[ \t\n]+$/, "", text); printf "%s", text }'; }
need awk sort
command=$(trimmed "$command"); search=$(trimmed "$search")
[ -n "$command" ] || fail 2 "--test-command is missing"
[ -n "$search" ] || fail 2 "--files-search is missing"
case $strategy in equal-distribution|stability) ;;
  *) fail 2 "--sharding-strategy is $strategy, expected equal-distribution or stability" ;; esac
found=$(sh -c "$search"); status=$?
[ $status = 0 ] || fail $status "the files search ended with exit status $status: $search"
found=$(printf '%s\n' "$found" | awk '{ sub(/\r$/, "") } /[^ \t]/' | LC_ALL=C sort -u)
[ -n "$found" ] || fail 1 "the files search found no file: $search"
index=${"$"}{KILN_SHARD_INDEX:-0}; count=${"$"}{KILN_SHARD_COUNT:-1}
total=$(printf '%s\n' "$found" | awk 'END { print NR }')
if [ "$count" = 1 ]; then files=$found
elif [ "$strategy" = equal-distribution ]; then
  files=$(printf '%s\n' "$found" | awk -v total="$total" -v at="$index" -v count="$count" '
    NR > int(total * at / count) && NR <= int(total * (at + 1) / count)')
else
  need sha256sum
  files=$(printf '%s\n' "$found" | while IFS= read -r file; do
    greatest=; best=0; shard=0
    while [ $shard -lt "$count" ]; do
      weight=$(printf '%s\000%s' "$file" $shard | sha256sum)
      if LC_ALL=C awk -v a="x$weight" -v b="x$greatest" 'BEGIN { exit !(a > b) }'; then greatest=$weight; best=$shard; fi
      shard=$((shard + 1))
    done
    [ $best != "$index" ] || printf '%s\n' "$file"
  done)
fi
number=$(printf '%s' "$files" | awk 'END { print NR }')
echo "$KILN_TOOL: shard $((index + 1)) of $count: $number of $total files ($strategy)" >&2
[ "$number" != 0 ] || exit 0
set --
while IFS= read -r file; do set -- "$@" "$file"; done <<END_OF_FILES
$files
END_OF_FILES
if [ "$(printf '%s' "$files" | LC_ALL=C awk '{ bytes += length($0) + 1 } END { print bytes - 1 }')" -le ${MAX_VARIABLE_BYTES} ]; then
  CODEBUILD_CURRENT_SHARD_FILES=$files; export CODEBUILD_CURRENT_SHARD_FILES
else
  echo "$KILN_TOOL: CODEBUILD_CURRENT_SHARD_FILES is not set: the list is longer than a variable may be" >&2
fi
unset KILN_TOOL
exec sh -c "$command \"\$@\"" sh "$@"
`;

/** Name of the command → its script. */
export const CONTAINER_TOOLS: Readonly<Record<string, string>> = {
  "codebuild-hash-files": head("codebuild-hash-files") + HASH_FILES,
  "codebuild-tests-run": head("codebuild-tests-run") + TESTS_RUN,
  "codebuild-glob-search": head("codebuild-glob-search") + GLOB_SEARCH,
};
