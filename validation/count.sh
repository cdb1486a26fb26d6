#!/bin/sh
# count.sh TRS... - one line, how many tests passed, failed and were skipped, of
# what automake's test drivers wrote. A point of a .t file counts as one test;
# so does a test of a cmocka program, which automake itself sees as a whole.
for trs; do
    if [ -f "$trs" ]; then
        cat "$trs" "${trs%.trs}.log" 2>/dev/null
    else # was to be run
        echo ':test-result: ERROR'
    fi
    echo ':end-of-test:'
done | awk '
    /^:test-result: (PASS|XFAIL)/ { p++ }
    /^:test-result: (FAIL|XPASS|ERROR)/ { f++ }
    /^:test-result: SKIP/ { s++ }
    /^\[       OK \]/ { ok++ }
    /^\[  SKIPPED \] [a-z]/ { left++ }
    /^:end-of-test:/ {
        if (ok && !f && !s) { p = ok - left; s = left }
        passed += p; failed += f; skipped += s
        p = f = s = ok = left = 0
    }
    END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped }'
