#!/usr/bin/env bash
# get-qm9.sh - fetches all of QM9 (104 MB, as published on PyPI by qm9pack) into
# data/, and says how it becomes a data set. pip only carries the file: none of
# its code runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=1.0.3
wheel=data/qm9pack-$version-py3-none-any.whl

if [ ! -f $wheel ]; then
    command -v pip3 >/dev/null || {
        echo 'get-qm9: no pip3; install python3-pip, or fetch' \
            "qm9pack $version from https://pypi.org/project/qm9pack into data/" >&2
        exit 1
    }
    mkdir -p data
    pip3 download --no-deps --only-binary :all: --dest data "qm9pack==$version"
fi
cat <<END

Now make the data set (some seconds; 3,054 molecules that failed the authors'
own consistency check are left out), and train the published model on it:

    se3t import $wheel --out data/qm9
    se3t check inputs/qm9-homo.yaml
    sbatch jobscripts/train.sbatch
END
