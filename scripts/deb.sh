#!/bin/sh
# Makes the Debian package: `scripts/deb.sh [TARGET]`. Needs cargo-deb (cargo install cargo-deb --locked) and python3.
#
# For another target the compiler and linker are taken as they are set up; DEB_BUILD=0 takes what is built already, by cross for
# one. cargo-deb wants that target's strip and C library installed. Without them DEB_STRIP names a strip, such as the one that
# scripts/debian-toolchain.sh unpacks, and what the package depends on is read from the program itself.
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

deb=$(cargo deb --locked --no-build ${DEB_STRIP:+--no-strip} ${target:+--target "$target"} --output "$out/")
if [ -n "${DEB_STRIP-}" ]; then
    root=$out/root
    rm -rf "$root"
    dpkg-deb -R "$deb" "$root"
    program=$root/usr/bin/taffrail
    "$DEB_STRIP" --strip-all "$program"
    (cd "$root" && find usr -type f -exec md5sum {} + >DEBIAN/md5sums)
    # libc6 takes in libm; libgcc-s1 is what unwinds a panic.
    floor=$(readelf -V "$program" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)
    libraries="libc6 (>= ${floor#GLIBC_}), libgcc-s1 (>= 4.2)"
    grep -q '^Depends:.*libc6' "$root/DEBIAN/control" || sed -i "s/^Depends: /Depends: $libraries, /" "$root/DEBIAN/control"
    sed -i "s/^Installed-Size: .*/Installed-Size: $(du -sk --apparent-size "$root" | cut -f1)/" "$root/DEBIAN/control"
    dpkg-deb --root-owner-group -b "$root" "$deb" >/dev/null
    rm -rf "$root"
fi
echo "$deb"
size=$(dpkg-deb --fsys-tarfile "$deb" | tar -tv ./usr/bin/taffrail | awk '{ print $3 }')
[ "$size" -le $((12 << 20)) ] || {
    echo "the program has grown to $size bytes; it is to stay below 12 MiB" >&2
    exit 1
}
