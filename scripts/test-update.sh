#!/bin/sh
# Updates and roll-backs of made-up programs in a folder of their own, with a made-up service manager that does what the unit
# says: begin, start, passed when ready, and the next try when not.
set -eu
cd "$(dirname "$0")/.."

UPDATE_ROOT=$(mktemp -d)
UPDATE_TRIAL=$PWD/packaging/on-trial
export UPDATE_ROOT UPDATE_TRIAL UPDATE_PATIENCE=1
trap 'rm -rf "$UPDATE_ROOT"' EXIT
bin=$UPDATE_ROOT/usr/bin
lib=$UPDATE_ROOT/usr/lib/taffrail
mkdir -p "$bin" "$lib" "$UPDATE_ROOT/fake" "$UPDATE_ROOT/etc/taffrail"
PATH=$UPDATE_ROOT/fake:$PATH

# program FILE VERSION CHECK RUN: a program whose self-check and start end with these statuses.
program() {
    cat >"$1" <<X
#!/bin/sh
case \$1 in
--version) echo "taffrail $2" ;;
self-check) exit $3 ;;
run) exit $4 ;;
esac
X
    chmod +x "$1"
}

cat >"$UPDATE_ROOT/fake/systemctl" <<'X'
#!/bin/sh
# Six tries stand for the endless ones of Restart=always. POWER_CUT=n ends them after n.
tries=${POWER_CUT-6}
while [ "$tries" -gt 0 ]; do
    "$UPDATE_TRIAL" begin 2>>"$UPDATE_ROOT/journal"
    if "$UPDATE_ROOT/usr/bin/taffrail" run; then
        "$UPDATE_TRIAL" passed
        exit 0
    fi
    tries=$((tries - 1))
done
exit 1
X
chmod +x "$UPDATE_ROOT/fake/systemctl"

failures=0
# expect WHAT RUNNING PREVIOUS TRIAL: the versions of both programs ("-" for none), and whether a trial is on.
expect() {
    running=$("$bin/taffrail" --version | cut -d' ' -f2)
    previous=-
    [ ! -x "$lib/previous" ] || previous=$("$lib/previous" --version | cut -d' ' -f2)
    trial=no
    [ ! -e "$lib/trial" ] || trial=yes
    left=$(find "$bin" "$lib" -name '*.new' | wc -l)
    if [ "$running $previous $trial $left" = "$2 $3 $4 0" ]; then
        echo "ok      $1"
    else
        echo "FAILED  $1: runs $running, previous $previous, trial $trial, $left files left over"
        failures=$((failures + 1))
    fi
}
update() {
    status=0
    scripts/update.sh "$1" >"$UPDATE_ROOT/out" 2>&1 || status=$?
    if [ "$status" != "$2" ]; then
        echo "FAILED  update to $1: status $status instead of $2: $(cat "$UPDATE_ROOT/out")"
        failures=$((failures + 1))
    fi
}

new=$UPDATE_ROOT/download
program "$bin/taffrail" 1 0 0
program "$new" 2 0 0
update "$new" 0
expect "a good program stays" 2 1 no

program "$new" 3 0 1
update "$new" 1
expect "one that does not become ready is rolled back" 2 2 no

program "$new" 4 1 0
update "$new" 1
expect "one whose self-check fails is not put in place" 2 2 no

printf 'not for this machine' >"$new"
update "$new" 1
expect "one that cannot run is not put in place" 2 2 no

program "$new" 5 0 0
update "$new" 0
expect "a good one after all that" 5 2 no

program "$new" 6 0 1
export POWER_CUT=2
update "$new" 1
unset POWER_CUT
expect "a power cut in the middle of a trial changes nothing" 6 5 yes
systemctl restart taffrail
expect "and the next starts end it" 5 5 no

program "$new" 7 0 1
export POWER_CUT=1
update "$new" 1
unset POWER_CUT
program "$new" 8 0 1
update "$new" 1
expect "a second bad one during a trial goes back to the last good one" 5 5 no

echo 'not a number' >"$lib/trial"
systemctl restart taffrail
expect "a damaged count does no harm" 5 5 no

program "$new" 9 0 0
update "$new" 0
"$UPDATE_TRIAL" back 2>/dev/null
expect "back by hand" 5 5 no

program "$lib/previous" 4 1 0
! "$UPDATE_TRIAL" back 2>/dev/null
expect "not to one whose self-check fails" 5 4 no
"$UPDATE_TRIAL" back --anyway 2>/dev/null
expect "unless it is asked for" 4 4 no

rm "$lib/previous"
program "$bin/taffrail" 10 0 1
"$UPDATE_TRIAL" begin
expect "without a trial a start changes nothing" 10 - no

[ "$failures" = 0 ] || exit 1
