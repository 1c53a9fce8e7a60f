# Shared by the scripts here. Source it from the top of the checkout.

say() { printf '%s: %s\n' "$(basename "$0")" "$*"; }
die() { say "$*" >&2; exit 1; }

# A python3 that has Debian's zmq and protobuf: another one may come first on the PATH.
find_python() {
    bindings/python/find-python || die "no python3 here can import zmq and google.protobuf; scripts/setup installs them"
}

# build PRESET: configures and builds, quietly unless it fails.
build() {
    local preset=$1 log
    mkdir -p build
    log="build/$preset.log"
    say "building $preset"
    if ! { cmake --preset "$preset" && cmake --build --preset "$preset"; } >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        die "the build of $preset failed; all of it is in $log"
    fi
}
