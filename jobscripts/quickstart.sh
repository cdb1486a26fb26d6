#!/usr/bin/env bash
# quickstart.sh - from a fresh clone to a trained model.
#
#   jobscripts/quickstart.sh            builds se3t, trains a small model on 3,000
#                                       molecules of QM9, says how good it is
#   jobscripts/quickstart.sh check      builds se3t and runs its tests
#   jobscripts/quickstart.sh packages   installs the packages that both need
#
# Packages are installed on Debian and Ubuntu, as root or with sudo; elsewhere
# they are named, and all goes on if they are there. Everything else stays in
# this folder: build/, data/ and runs/. Run it again as often as you like.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(gcc make pkg-config autoconf automake libopenmpi-dev openmpi-bin
    libhdf5-openmpi-dev libyaml-dev libarchive-dev nettle-dev libcmocka-dev
    gnuplot-nox)
run=runs/quickstart
data=data/qm9-sample
target='homo'
cores=$(nproc 2>/dev/null || echo 2)

say() { printf '\n== %s\n' "$*"; }

fail() {
    printf 'quickstart: %s\n' "$*" >&2
    exit 1
}

# --- packages ----------------------------------------------------------------

missing_packages() {
    local p
    for p in "${packages[@]}"; do
        case $(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null) in
        ii*) ;;
        *) echo "$p" ;;
        esac
    done
}

# Prints what stands before apt-get: nothing, or sudo. Fails if neither does.
privilege() {
    [ "$(id -u)" != 0 ] || return 0
    command -v sudo >/dev/null || return 1
    [ -t 0 ] || sudo -n true 2>/dev/null || return 1
    echo sudo
}

name_packages() {
    say "$1; se3t needs what Debian calls"
    printf '   %s\n' "${packages[@]}"
    echo '   (doc/manual/install.md has the names elsewhere; going on without)'
}

install_packages() {
    local missing sudo
    if ! command -v apt-get dpkg-query >/dev/null; then
        name_packages 'no apt-get here'
        return
    fi
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    if ! sudo=$(privilege); then
        name_packages 'neither root nor sudo'
        echo "   not there: ${missing//$'\n'/ }"
        return
    fi
    say "installing ${missing//$'\n'/ }"
    export DEBIAN_FRONTEND=noninteractive
    $sudo apt-get update -q || echo 'quickstart: the lists of packages are old' >&2
    # shellcheck disable=SC2086 # one word a package
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
        --no-install-recommends $missing || fail "apt-get could not install them"
}

# --- build -------------------------------------------------------------------

# What a build says is of interest only when it fails.
quietly() { # LOG COMMAND...
    local log=$1
    shift
    "$@" >>"$log" 2>&1 || {
        tail -n 30 "$log" >&2
        fail "\`$*\` failed; all it said is in $PWD/$log"
    }
}

build() {
    say "building in build/ ($cores at a time)"
    mkdir -p build
    : >build/build.log
    [ -x configure ] || quietly build/build.log autoreconf -fi
    cd build
    [ -f Makefile ] || quietly build.log ../configure
    quietly build.log make -j "$cores" "$@"
    cd ..
}

# --- train -------------------------------------------------------------------

# Two ranks wherever they fit; root and few cores are no obstacle.
launch() {
    local mpiexec words=()
    mpiexec=$(sed -n 's/^MPIEXEC = //p' build/Makefile)
    if $mpiexec --version 2>&1 | grep -qi 'open.\?mpi\|open mpi'; then
        words=(--oversubscribe --bind-to none)
        export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    fi
    $mpiexec "${words[@]}" -n 2 "$@"
}

# The mean error of the predictions beside that of always answering the mean.
compare() {
    awk -F, -v target="$target" '
        NR == 1 {
            for (i = 1; i <= NF; i++) {
                if ($i ~ "^" target "_reference") r = i
                if ($i ~ "^" target "\\[") p = i
            }
            unit = $p
            gsub(/.*\[|\].*/, "", unit)
            next
        }
        { ref[NR] = $r; sum += $r; e += $p > $r ? $p - $r : $r - $p; n++ }
        END {
            if (n == 0) exit 1
            for (i in ref) m += ref[i] > sum / n ? ref[i] - sum / n : sum / n - ref[i]
            printf "MAE of %s on %d test molecules: %.4f %s\n", target, n, e / n, unit
            printf "MAE of always answering the mean: %.4f %s\n", m / n, unit
            exit !(e < 0.8 * m)
        }' "$1"
}

train() {
    local threads=$((cores / 2))
    export OMP_NUM_THREADS=$((threads < 1 ? 1 : threads > 4 ? 4 : threads))
    if [ ! -f $data/manifest.yaml ]; then
        say "importing 3,000 molecules of QM9 into $data"
        launch build/se3t import inputs/qm9-sample.xyz.tar.bz2 --out $data
    fi
    say "training inputs/quickstart.yaml in $run, on 2 ranks"
    launch build/se3t train inputs/quickstart.yaml
    say 'predicting the molecules that it has not seen'
    build/se3t predict $run/model.h5 $data --split test --out $run/predictions.csv
    compare $run/predictions.csv ||
        fail 'the model is hardly better than the mean: this should not be'
    say 'drawing'
    build/se3t report $run
}

what_next() {
    cat <<END

== next
   $run/report/ has the learning curve and the predictions as pictures.
   More epochs go on where this ended:
     mpirun -n 2 build/se3t train inputs/quickstart.yaml --set train.epochs=100
   Predict molecules of your own (.sdf, .xyz):
     build/se3t predict $run/model.h5 MOLECULES.sdf --out predictions.csv
   All of QM9 with the published model, on a cluster:
     jobscripts/get-qm9.sh, then jobscripts/train.sbatch or train.pbs
   doc/manual/first-run.md explains each step.
END
}

# --- check -------------------------------------------------------------------

# The line that counts is the last, whether tests failed or not.
check() {
    local code=0
    cd build
    make --no-print-directory -j $((cores < 2 ? 1 : 2)) check || code=$?
    if [ $code != 0 ]; then
        grep -l '^:global-test-result: \(FAIL\|ERROR\)' -r . --include='*.trs' |
            sed 's/\.trs$/.log/; s/^/failed, see build\//' >&2
        make --no-print-directory -s count
    fi
    exit $code
}

case ${1-} in
packages) install_packages ;;
check)
    install_packages
    build check-am TESTS=
    check
    ;;
'')
    install_packages
    build
    train
    what_next
    ;;
*) fail "unknown word '$1' (expected nothing, check or packages)" ;;
esac
