#!/bin/sh
# Makes the Debian package: `scripts/deb.sh [TARGET]`. Needs cargo-deb (cargo install cargo-deb --locked) and python3.
#
# For another target the compiler and linker are taken as they are set up; DEB_BUILD=0 takes what is built already, by cross for
# one. Its strip and its C library have to be installed (Debian: gcc-aarch64-linux-gnu for arm64): cargo-deb finds out with
# them what the package depends on.
set -eu
cd "$(dirname "$0")/.."
target=${1-}

cargo deb --version >/dev/null 2>&1 || {
    echo "skipped: cargo-deb is not installed" >&2
    exit 77
}
[ "${DEB_BUILD-1}" = 0 ] || cargo build --release --locked ${target:+--target "$target"}

# The manual page and the completions are what the program itself says; it speaks for this machine even when it is built for
# another.
out=target/package
mkdir -p "$out"
taffrail=${CARGO_TARGET_DIR:-target}/release/taffrail
[ -z "$target" ] || taffrail=${DEB_NATIVE:-$taffrail}
[ -x "$taffrail" ] || {
    cargo build --locked
    taffrail=${CARGO_TARGET_DIR:-target}/debug/taffrail
}
"$taffrail" man | gzip -9n >"$out/taffrail.1.gz"
"$taffrail" completions bash >"$out/taffrail.bash"
"$taffrail" completions fish >"$out/taffrail.fish"
"$taffrail" completions zsh >"$out/_taffrail"
scripts/third-party.py ${target:+"$target"} | gzip -9n >"$out/THIRD-PARTY.gz"

deb=$(cargo deb --locked --no-build ${target:+--target "$target"} --output "$out/")
echo "$deb"
size=$(dpkg-deb --fsys-tarfile "$deb" | tar -tv ./usr/bin/taffrail | awk '{ print $3 }')
[ "$size" -le $((12 << 20)) ] || {
    echo "the program has grown to $size bytes; it is to stay below 12 MiB" >&2
    exit 1
}
