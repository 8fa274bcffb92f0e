#!/usr/bin/env bash
# Installs this checkout as it stands under other versions of Node, runs some of its tests there and prints the fingerprint of
# its forecasts, which has to be the same on all. Exit code 1 where a test fails or a fingerprint differs.
#
#   bash scripts/check/nodes.sh              # the oldest 20 that is supported, and the newest 22, 24 and 26
#   bash scripts/check/nodes.sh 20.19.0 26   # these
#   bash scripts/check/nodes.sh here 26      # this checkout under the Node that is installed, fingerprint only, and 26
#   JOBS=2 bash scripts/check/nodes.sh       # two at a time
#
# Each Node comes from the package node-PLATFORM-ARCH of the npm registry; on 20 better-sqlite3 is compiled against its headers.
# Some two minutes and 500 MB of temporary files for each.
set -euo pipefail
cd "$(dirname "$0")/../.."
checkout=$PWD
# What forecasts come to is in the fingerprint: these are about the rest.
tests=(test/models/kernels test/storage/records.test.ts test/streams/operators test/server/engine/engine.test.ts test/cli/pipe.test.ts)

# Under one version: its line of the result goes to $2/result, all else to $2/log.
check() {
  local version=$1 folder=$2
  if [ "$version" = here ]; then
    cd "$checkout"
    echo "$(node --version) $(node --import tsx scripts/check/fingerprint.ts | tail -n 1)" >"$folder/result"
    return
  fi
  mkdir -p "$folder/node" "$folder/checkout"
  npm install --prefix "$folder/node" --no-save --no-audit --no-fund "$package@$version"
  local node=$folder/node/node_modules/$package
  export PATH=$node/bin:$PATH npm_config_nodedir=$node npm_config_build_from_source=true
  git -C "$checkout" ls-files -co --exclude-standard -z | (cd "$checkout" && xargs -0 cp --parents -t "$folder/checkout")
  cd "$folder/checkout"
  # What has to be compiled is, and nothing else: `prepare` would build the package, which is not what is asked here.
  npm ci --ignore-scripts --no-audit --no-fund
  cmp package-lock.json "$checkout/package-lock.json"
  case $version in
    20*) npm rebuild better-sqlite3-12 esbuild ;;
    *) npm rebuild esbuild ;;
  esac
  npm run build:kernels
  node node_modules/vitest/vitest.mjs run --reporter=json --outputFile="$folder/tests.json" "${tests[@]}"
  local passed fingerprint
  passed=$(node -p "require('$folder/tests.json').numPassedTests")
  fingerprint=$(node --import tsx scripts/check/fingerprint.ts | tail -n 1)
  echo "$(node --version) $passed tests passed, $fingerprint" >"$folder/result"
}

package=node-$(node -p 'process.platform + "-" + process.arch')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export -f check
export package work checkout
# An array cannot be exported.
export tests_list="${tests[*]}"
[ "$#" -gt 0 ] || set -- 20.19.0 22 24 26
printf '%s\0' "$@" | xargs -0 -P "${JOBS:-1}" -I{} bash -c '
  set -euo pipefail
  read -ra tests <<<"$tests_list"
  folder=$work/{}
  mkdir -p "$folder"
  start=$SECONDS
  # Not within a condition, where the first failure would not end it.
  (set -e; check {} "$folder") >"$folder/log" 2>&1 &
  if wait $!; then
    echo "$(cat "$folder/result") ($((SECONDS - start)) s)"
  else
    echo "Node {} failed; the end of its log:" >&2
    tail -n 40 "$folder/log" >&2
  fi'
for version in "$@"; do
  [ -f "$work/$version/result" ] || { echo "failed on Node $version" >&2; exit 1; }
done
different=$(sed 's/.*fingerprint/fingerprint/' "$work"/*/result | sort -u)
if [ "$(wc -l <<<"$different")" -gt 1 ]; then
  echo "forecasts differ from one version of Node to another" >&2
  exit 1
fi
echo "the same forecasts on all: $different"
