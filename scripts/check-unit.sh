#!/bin/sh
# The unit as systemd reads it: no mistakes, and an exposure of 2.0 at the most. Skips with a line where systemd-analyze is
# missing (exit status 0: `just check` goes on).
set -eu
cd "$(dirname "$0")/.."

command -v systemd-analyze >/dev/null || {
    echo "skipped: systemd-analyze is not installed"
    exit 0
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# `verify` looks for the programs: a folder stands for the system that they are installed in.
mkdir -p "$folder/usr/bin" "$folder/usr/lib/taffrail" "$folder/usr/lib/systemd/system" "$folder/etc"
cp /usr/bin/true "$folder/usr/bin/taffrail"
cp packaging/on-trial "$folder/usr/lib/taffrail/"
# The units that every unit refers to.
for name in sysinit basic multi-user shutdown; do
    printf '[Unit]\nDefaultDependencies=no\n' >"$folder/usr/lib/systemd/system/$name.target"
done
printf '[Unit]\nDefaultDependencies=no\n[Slice]\n' >"$folder/usr/lib/systemd/system/system.slice"
cp systemd/taffrail.service "$folder/usr/lib/systemd/system/"
said=$(systemd-analyze verify --man=no --root="$folder" taffrail.service 2>&1 | grep -i taffrail || true)
if [ -n "$said" ]; then
    echo "$said"
    exit 1
fi
echo "ok      systemd-analyze verify"
systemd-analyze security --no-pager --offline=true --threshold=20 systemd/taffrail.service | tail -n 1
systemd-analyze security --no-pager --offline=true --threshold=20 systemd/taffrail.service >/dev/null
