#!/usr/bin/env bash
# report.t - se3t report on a small run written by hand and on predictions: its
# files, its figures against awk's, with and without gnuplot, and what it does
# when half of a run is missing.
se3t=$PWD/se3t
data=$srcdir/validation/data/report-run
report() { # ARGUMENTS..: what it says in "$dir/out" and "$dir/said"
    timeout 120 ./se3t report "$@" >"$dir/out" 2>"$dir/said" </dev/null
}

tests=0
result() { # CODE WANTED NAME
    local no=
    tests=$((tests + 1))
    if [ "$1" != "$2" ]; then
        no='not '
        sed 's/^/# /' "$dir/out" "$dir/said"
        echo "# exit $1, wanted $2"
    fi
    echo "${no}ok $tests - $3"
}

# All of these files are there and hold something.
there() { # FOLDER FILE..
    local in=$1 f
    shift
    for f; do
        [ -s "$in/$f" ] || { echo "# no $in/$f" && return 1; }
    done
}

# n, MAE, MAE of the mean, RMSE, largest error and R2 of columns 3k-1 and 3k of
# a CSV, as the page writes them.
figures() { # CSV K
    awk -F, -v k="$2" 'NR > 1 && $(3 * k) != "" && $(3 * k - 1) != "" {
            n++; p[n] = $(3 * k - 1); y[n] = $(3 * k); sum += y[n] }
        function abs(x) { return x < 0 ? -x : x }
        END { for (i = 1; i <= n; i++) {
                d = p[i] - y[i]; m = y[i] - sum / n
                a += abs(d); q += d * d; w += abs(m); s += m * m
                if (abs(d) > most) most = abs(d) }
            printf "%d %.5g %.5g %.5g %.5g %.5g\n",
                n, a / n, w / n, sqrt(q / n), most, 1 - q / s }' "$1"
}

# The row of the page that begins with this name ends with these numbers.
row() { # PAGE NAME NUMBER..
    local page=$1 name=$2 cells= x
    shift 2
    for x; do cells="$cells<td class=\"n\">$x</td>"; done
    grep -F "<th scope=\"row\">$name</th>" "$page" | grep -qF "$cells</tr>"
}

molecules() { # HISTOGRAM: in the bars and beyond
    awk '/^#/ { gsub(/[^0-9 ]/, ""); n = $1 + $2; next } { n += $3 }
        END { print n }' "$1"
}

# One warning, with these words.
warned() {
    [ "$(grep -c '^se3t: warning: ' "$dir/said")" = 1 ] &&
        grep -q "^se3t: warning: .*$1" "$dir/said"
}

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/programs"
if command -v gnuplot >/dev/null 2>&1; then
    drawn=0
else
    drawn=1
fi
echo 1..35

fresh() { # a run as it is when done, but for the end of a killed job's line
    rm -rf "$dir/run"
    mkdir "$dir/run"
    cp "$data"/deck.yaml "$data"/predictions-test.csv "$dir/run"
    grep '}$' "$data/journal.jsonl" >"$dir/run/journal.jsonl"
}

# --- a run
fresh
page=$dir/run/report/index.html
report "$dir/run/"
result $? 0 'a run'
there "$dir/run/report" index.html learning-curve.dat loss.dat phases.dat \
    parity-homo.dat histogram-homo.dat parity-own_scale-2.dat \
    histogram-own_scale-2.dat learning-curve-homo.gp parity-homo.gp phases.gp
result $? 0 'its files'
row "$page" homo $(figures "$data/predictions-test.csv" 1)
result $? 0 'figures of the first target'
row "$page" 'own scale' $(figures "$data/predictions-test.csv" 2)
result $? 0 'figures of the second, which lacks references'
warned '2 of 60 molecules have no reference of own scale'
result $? 0 'and says so'
row "$page" homo 0.10383 0.073706 $(figures "$data/predictions-test.csv" 1)
result $? 0 'validation and test MAE of the journal'
for words in 'Best epoch</th><td>9<' 'Model parameters</th><td>123457<' \
    'Data</th><td>data/qm9<' 'Ranks</th><td>2<' 'epochs</th><td>40 s ' \
    "Deck digest</th><td>$(printf 'a1%.0s' {1..32})<" \
    "Speed</th><td>$(awk -F'"molecules_per_s": ' 'NF > 1 { print $2 + 0 }' \
        "$data/journal.jsonl" | sort -g |
        awk '{ v[NR] = $1 } END {
            printf "%.5g", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }') "; do
    grep -qF "$words" "$page" || break
    words=
done
result "$words" '' 'the other figures of the run'
! grep -qE '<script|https?:' "$page"
result $? 0 'a page without scripts and other places'
[ "$(grep -vc '^#' "$dir/run/report/learning-curve.dat")" = 11 ] &&
    grep -q '^38 9.5 0.05 0.11 0.2 0.26$' "$dir/run/report/learning-curve.dat"
result $? 0 'ten epochs and an evaluation'
awk '/^forward/ { a = $2 == 10 && $3 == 25 } /^other/ { b = $2 == 2.5 }
    END { exit !(a && b) }' "$dir/run/report/phases.dat"
result $? 0 'phases are summed over epochs alone'
[ "$(molecules "$dir/run/report/histogram-homo.dat")" = 60 ] &&
    [ "$(molecules "$dir/run/report/histogram-own_scale-2.dat")" = 58 ]
result $? 0 'histograms hold all molecules'
[ "$(grep -vc '^#' "$dir/run/report/parity-homo.dat")" = 60 ]
result $? 0 'and so does parity'
if [ $drawn = 0 ]; then
    there "$dir/run/report" learning-curve-homo.svg parity-homo.svg \
        histogram-homo.svg phases.svg loss.svg &&
        [ "$(grep -c '<img src="[^"]*.svg"' "$page")" = 8 ]
    result $? 0 'pictures'
else
    echo "ok $((tests += 1)) - pictures # SKIP no gnuplot"
fi

# --- without gnuplot: all programs but it, since launchers want theirs
IFS=: read -ra folders <<<"$PATH"
for folder in "${folders[@]}"; do
    ln -s "$folder"/* "$dir/programs" 2>/dev/null
done
rm -f "$dir/programs"/gnuplot*
PATH=$dir/programs report "$dir/run" --out "$dir/a/b"
result $? 0 'without gnuplot'
[ "$(grep -c 'gnuplot: not found' "$dir/said")" = 1 ] &&
    there "$dir/a/b" index.html learning-curve.dat parity-homo.dat &&
    ! ls "$dir/a/b" | grep -q svg && ! grep -q '<img' "$dir/a/b/index.html" &&
    grep -q 'gnuplot: not found' "$dir/a/b/index.html"
result $? 0 'the data are written, and one line says so'
printf '#!/bin/sh\nexit 3\n' >"$dir/programs/gnuplot"
chmod +x "$dir/programs/gnuplot"
cp "$page" "$dir/a/b/loss.svg" # of another day
PATH=$dir/programs report "$dir/run" --out "$dir/a/b"
code=$?
[ "$(grep -c 'gnuplot: .* was not drawn (it failed)' "$dir/said")" = 1 ] &&
    [ ! -e "$dir/a/b/loss.svg" ] && ! grep -q '<img' "$dir/a/b/index.html"
result $code$? 00 'a gnuplot that fails, and no picture of another day'

# --- predictions
cp "$data/predictions-test.csv" "$dir/mine.csv"
report "$dir/mine.csv" --json
result $? 0 'predictions'
there "$dir/mine-report" index.html parity-homo.dat &&
    [ ! -e "$dir/mine-report/learning-curve.dat" ] &&
    row "$dir/mine-report/index.html" homo $(figures "$dir/mine.csv" 1)
result $? 0 'go beside the file'
[ "$(grep -c '^{"target": .*"molecules": .*"mean_mae": .*}$' "$dir/out")" = 2 ]
result $? 0 'as JSON'
printf 'id,a<b>[x/y]\n1,2.5\n2,\n3,nan\n4,3\n' >"$dir/own.csv"
report "$dir/own.csv"
result $? 0 'no references'
[ "$(molecules "$dir/own-report/histogram-a_b_-1.dat")" = 2 ] &&
    grep -q '2 predictions of a<b> are no numbers' "$dir/said" &&
    grep -q 'no references of a<b>; no parity' "$dir/said" &&
    grep -q 'a&lt;b&gt;' "$dir/own-report/index.html"
result $? 0 'a histogram of the predictions'

awk 'BEGIN { print "id,e,e_reference"
    for (i = 1; i <= 400; i++)
        print i "," i + (i == 7 ? -50 : i == 9 ? 90 : i % 5 / 10) "," i }' \
    >"$dir/far.csv"
report "$dir/far.csv"
code=$?
[ "$(molecules "$dir/far-report/histogram-e.dat")" = 400 ] &&
    head -1 "$dir/far-report/histogram-e.dat" | grep -q 'below: 1, above: 1' &&
    awk '!/^#/ && ($1 < -1 || $2 > 1) { bad = 1 } END { exit bad }' \
        "$dir/far-report/histogram-e.dat"
result $code$? 00 'outliers are counted and do not widen the bars'

# gnuplot would take _ and ^ for marks of sub- and superscripts
printf 'id,my_gap^2,my_gap^2_reference\n1,2.5,2\n2,4,3.5\n' >"$dir/marks.csv"
report "$dir/marks.csv"
code=$?
for picture in parity histogram; do
    picture=$dir/marks-report/$picture-my_gap_2-1
    [ "$(grep -c '^set terminal.* noenhanced' "$picture.gp")" = 1 ] &&
        { [ $drawn = 1 ] || grep -qF 'my_gap^2' "$picture.svg"; } ||
        code=$code$picture
done
result $code 0 'a name with _ and ^ is drawn as it is'

# --- runs in parts
fresh
rm "$dir/run/predictions-test.csv"
sed -i '/"epoch": [2-9]/d; /"epoch": 10/d; /"done"/d' "$dir/run/journal.jsonl"
printf '{"event": "step", "step": 5' >>"$dir/run/journal.jsonl"
report "$dir/run"
code=$?
[ "$(grep -vc '^#' "$dir/run/report/learning-curve.dat")" = 1 ] &&
    grep -q '1 lines that are no events' "$dir/said" &&
    grep -q 'predictions-test.csv: not there' "$dir/said" &&
    grep -q 'State</th><td>not finished' "$dir/run/report/index.html"
result $code$? 00 'one epoch, no predictions, a torn line'
head -1 "$data/journal.jsonl" >"$dir/run/journal.jsonl"
report "$dir/run" --out "$dir/start"
code=$?
grep -q 'no epoch has ended yet' "$dir/said" &&
    grep -q 123457 "$dir/start/index.html"
result $code$? 00 'a run that has only begun'
fresh
head -1 "$data/predictions-test.csv" >"$dir/run/predictions-test.csv"
report "$dir/run"
code=$?
[ $code = 0 ] && warned 'holds no molecule'
result $? 0 'an empty test part'
fresh
sed -i '5s/,[^,]*/,x/' "$dir/run/predictions-test.csv"
report "$dir/run"
code=$?
[ $code = 0 ] && warned 'predictions-test.csv:5: '
result $? 0 'a damaged row leaves the curves'
report "$dir/run/predictions-test.csv"
result $? 30 'but of the file alone nothing'
rm -rf "$dir/run"/*
report "$dir/run"
result $? 30 'an empty folder'
[ -z "$(ls "$dir/run")" ]
result $? 0 'and nothing is made'
head -1 "$data/predictions-test.csv" >"$dir/empty.csv"
report "$dir/empty.csv"
result $? 30 'no rows'
report "$dir/nowhere"
result $? 40 'no such path'

# --- names
fresh
(cd "$dir/run" && timeout 120 "$se3t" report .) >"$dir/out" 2>"$dir/said" </dev/null
code=$?
grep -q '<h1>Report of run</h1>' "$dir/run/report/index.html"
result $code$? 00 'the folder one stands in, by its name'
[ "$(grep -c 'white-space: nowrap' "$dir/run/report/index.html")" = 1 ] &&
    grep -q '(2 beyond the axis)' "$dir/far-report/histogram-e.gp"
result $? 0 'numbers stay whole; what beyond means is said'

# --- ranks
if command -v "${MPIEXEC%% *}" >/dev/null 2>&1; then
    fresh
    timeout 120 $MPIEXEC --oversubscribe --bind-to none -n 2 ./se3t report \
        "$dir/run" >"$dir/out" 2>"$dir/said" </dev/null
    code=$?
    [ "$(grep -c 'report/index.html$' "$dir/out")" = 1 ] && [ -s "$page" ]
    result $code$? 00 'two ranks, one report'
else
    echo "ok $((tests += 1)) - two ranks, one report # SKIP no launcher"
fi
