#!/bin/sh
# Prints the folder of a Rust 1.85 toolchain with ARM targets, after fetching it where that is needed.
#
# Debian 12 ships Rust 1.85 as `rustc-web`, with the standard library for arm64 and armhf, and cross compilers for both.
# The packages are fetched with apt's own tools through a package index of our own and only unpacked, never installed:
# the system keeps its compilers, its architectures and its index.
#
#     dir=$(scripts/debian-toolchain.sh)          # $dir/rustc is Rust 1.85 for this machine
#     dir=$(scripts/debian-toolchain.sh arm)      # and $dir/{aarch64,armv7}-cc and qemu-{aarch64,arm} for the boards
#
# TOOLCHAIN_DIR names the folder; without it, ~/.cache/taffrail/debian-1.85. It takes about 1.3 GB with ARM.
# Exit status 77 when this machine is not an amd64 Debian 12 with its mirror in reach.
set -eu

version='1.85.0+dfsg3-1~deb12u3'
dir=${TOOLCHAIN_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/taffrail/debian-1.85}

say() { echo "$*" >&2; }
skip() {
    say "skipped: $*"
    exit 77
}

command -v apt-get >/dev/null && command -v dpkg >/dev/null || skip "no apt and dpkg here"
[ "$(dpkg --print-architecture)" = amd64 ] || skip "the packages are for an amd64 machine"

apt() {
    apt-get -qq -o APT::Architectures::=amd64 -o APT::Architectures::=arm64 -o APT::Architectures::=armhf \
        -o Dir::State="$dir/apt/state" -o Dir::Cache="$dir/apt/cache" -o Dir::State::status=/var/lib/dpkg/status \
        -o APT::Sandbox::User="$(id -un)" "$@"
}

# fetch NAME PACKAGE...: unpacks packages below $dir/root, once.
fetch() {
    done=$dir/$1.done
    shift
    [ -e "$done" ] && return
    mkdir -p "$dir/apt/state/lists/partial" "$dir/apt/cache/archives/partial" "$dir/root" "$dir/debs"
    # The index of one architecture may be out of step with its release file without harm to the others.
    apt update >&2 || say "(some package indexes could not be read)"
    (cd "$dir/debs" && apt download "$@" >&2) || skip "the packages of Debian 12 are not in reach"
    for deb in "$dir"/debs/*.deb; do
        dpkg -x "$deb" "$dir/root"
    done
    rm -rf "$dir/debs" "$dir/apt"
    touch "$done"
}

# wrap NAME COMMAND: a command of the toolchain that finds its own libraries.
wrap() {
    libraries=$dir/root/usr/lib/x86_64-linux-gnu:$dir/root/usr/lib/llvm-19/lib:$dir/root/lib/x86_64-linux-gnu
    printf '#!/bin/sh\nexport LD_LIBRARY_PATH=%s\nexec %s "$@"\n' "$libraries" "$2" >"$dir/$1"
    chmod +x "$dir/$1"
}

fetch rust "rustc-web=$version" "libstd-rust-web-1.85=$version" "libstd-rust-web-dev=$version" \
    libllvm19 libpcre3 libz3-4 libedit2
wrap rustc "$dir/root/usr/bin/rustc"

if [ "${1-}" = arm ]; then
    fetch arm "libstd-rust-web-dev:arm64=$version" "libstd-rust-web-dev:armhf=$version" qemu-user-static:amd64 \
        binutils-aarch64-linux-gnu:amd64 gcc-12-aarch64-linux-gnu:amd64 cpp-12-aarch64-linux-gnu:amd64 \
        libc6-dev-arm64-cross libc6-arm64-cross linux-libc-dev-arm64-cross \
        libgcc-12-dev-arm64-cross libgcc-s1-arm64-cross libatomic1-arm64-cross libgomp1-arm64-cross \
        binutils-arm-linux-gnueabihf:amd64 gcc-12-arm-linux-gnueabihf:amd64 cpp-12-arm-linux-gnueabihf:amd64 \
        libc6-dev-armhf-cross libc6-armhf-cross linux-libc-dev-armhf-cross \
        libgcc-12-dev-armhf-cross libgcc-s1-armhf-cross libatomic1-armhf-cross libgomp1-armhf-cross
    # The linker scripts name their libraries with the places of an installation; by their names alone they are found here.
    for triple in aarch64-linux-gnu arm-linux-gnueabihf; do
        for script in libc.so libm.so; do
            file=$dir/root/usr/$triple/lib/$script
            [ -f "$file" ] && grep -qI 'ld script' "$file" && sed -i "s#/usr/$triple/lib/##g" "$file"
        done
    done
    wrap aarch64-cc "$dir/root/usr/bin/aarch64-linux-gnu-gcc-12"
    wrap armv7-cc "$dir/root/usr/bin/arm-linux-gnueabihf-gcc-12"
    wrap aarch64-ar "$dir/root/usr/bin/aarch64-linux-gnu-ar"
    wrap armv7-ar "$dir/root/usr/bin/arm-linux-gnueabihf-ar"
    wrap aarch64-strip "$dir/root/usr/bin/aarch64-linux-gnu-strip"
    wrap armv7-strip "$dir/root/usr/bin/arm-linux-gnueabihf-strip"
    wrap qemu-aarch64 "$dir/root/usr/bin/qemu-aarch64-static -L $dir/root/usr/aarch64-linux-gnu"
    wrap qemu-arm "$dir/root/usr/bin/qemu-arm-static -L $dir/root/usr/arm-linux-gnueabihf"
fi
echo "$dir"
