#!/bin/sh
# Puts a new program in the place of the running one: `sudo update FILE`. For boats without the package; installed as
# /usr/lib/taffrail/update. What can be seen beforehand is checked beforehand, the file is swapped at once, and a program that
# does not become ready is rolled back by the unit itself (packaging/on-trial), whether this script still runs or not.
set -eu

root=${UPDATE_ROOT-}
program=$root/usr/bin/taffrail
dir=$root/usr/lib/taffrail
trial=${UPDATE_TRIAL:-$dir/on-trial}
patience_s=${UPDATE_PATIENCE-300}

fail() {
    echo "update: $*" >&2
    exit 1
}

[ $# -eq 1 ] || {
    echo "usage: update FILE" >&2
    exit 64
}
new=$1
[ -f "$new" ] || fail "$new: no such file"

# A name beside the program: a rename within one directory is what makes the swap atomic.
staged=$(dirname "$program")/.taffrail.new
trap 'rm -f "$staged"' EXIT
cp "$new" "$staged"
chmod 755 "$staged"
version=$("$staged" --version 2>/dev/null) || fail "$new does not run on this machine"

"$trial" check "$staged" || fail "$version would not do here; nothing was changed"

"$trial" put
sync "$staged"
mv -f "$staged" "$program"
sync "$(dirname "$program")"

# The service manager goes on trying after a first failure, so a failure here decides nothing yet.
systemctl restart taffrail || true
while [ -e "$dir/trial" ] && [ "$patience_s" -gt 0 ]; do
    sleep 1
    patience_s=$((patience_s - 1))
done
[ ! -e "$dir/went-back" ] || fail "$version did not become ready; $("$program" --version) runs again"
[ ! -e "$dir/trial" ] || fail "$version is still on trial; look at: journalctl -u taffrail"
echo "$version runs; '$trial back && systemctl restart taffrail' returns to what was before"
