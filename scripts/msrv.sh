#!/bin/sh
# Compiles everything with the oldest Rust that the project promises (rust-version in Cargo.toml).
#
# With RUSTC set, that compiler is used; else rustup's 1.85 where it is installed; else Debian's, fetched for it.
# That a dependency declares an old enough version is no proof, which is why this compiles.
set -eu
cd "$(dirname "$0")/.."

if [ -z "${RUSTC-}" ]; then
    if rustc=$(rustup which --toolchain 1.85 rustc 2>/dev/null); then
        RUSTC=$rustc
    else
        dir=$(scripts/debian-toolchain.sh) || exit $?
        RUSTC=$dir/rustc
    fi
    export RUSTC
fi
"$RUSTC" --version
case $("$RUSTC" --version) in
*" 1.85."*) ;;
*) echo "this is not Rust 1.85" >&2 && exit 1 ;;
esac
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/msrv"
cargo check --locked --all-targets "$@"
cargo check --locked --no-default-features "$@"
