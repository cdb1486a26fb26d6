#!/usr/bin/env bash
# decks.t - a wrong deck or command line: 40, what and where, and no file made
# (reliability.md R13).
. "${srcdir:-.}/validation/regress/tap.sh"
begin
small_data
head=$(sed -n 1,2p "$dir/deck.yaml")

# RANKS WORDS LINES: a deck with these lines more
refused() {
    printf '%s\n%s\n' "$head" "$3" >"$dir/bad.yaml"
    run "$1" train "$dir/bad.yaml"
    local code=$?
    [ $code = 40 ] && said "$2" && [ ! -e "$dir/run" ]
    point $? "refused: ${3//$'\n'/ }"
}

refused 1 'bad.yaml:3:9: model.chanels.*channels' 'model: {chanels: 8}'
refused 2 'bad.yaml:3:.* modell.*model' 'modell: {layers: 2}'
refused 1 'train.batch.*many' 'train: {batch: many}'
refused 1 'train.batch.*1_6' 'train: {batch: 1_6}'
refused 1 'model.layers.*2\.5' 'model: {layers: 2.5}'
refused 1 'model.norm.*yes' 'model: {norm: yes}'
refused 1 'compute.precision.*fp31.*fp32' 'compute: {precision: fp31}'
refused 1 'model.*layers' 'model: {layers: 2, layers: 3}'
refused 1 'anchor' 'model: &m {layers: 2}'
refused 2 'train.batch.*96, found 97' 'train: {batch: 97}'
refused 1 'model.heads\|model.channels' 'model: {channels: 10, heads: 3}'
refused 1 'checkpoint.every.*10' 'checkpoint: {every: 10}'
refused 1 'document' $'train: {batch: 24}\n---\nmodel: {layers: 2}'
refused 2 'model.init_from.*no-such.h5' \
    $'train: {batch: 24}\nmodel: {init_from: no-such.h5}'

printf '%s\nmodel: {chanels: 8}\ntrain: {batch: few}\nlog: {evry: 1 h}\n' \
    "$head" >"$dir/bad.yaml"
run 2 check "$dir/bad.yaml"
result $? 40 'three mistakes'
[ "$(grep -c '^se3t: error: ' "$dir/err")" = 3 ]
point $? 'all three are said'

# WORDS ARGUMENTS...
line() {
    local words=$1
    shift
    run 0 "$@"
    [ $? = 40 ] && said "$words"
    point $? "refused: se3t ${*//$dir\//}"
}
line 'trian.*train' trian "$dir/deck.yaml"
line 'quite.*quiet' check "$dir/deck.yaml" --quite
line 'no-such' train "$dir/no-such.yaml"
line 'few.*DECK' train
line 'few.*MODEL and DATA' predict
line 'train.bach.*train.batch' train "$dir/deck.yaml" --set train.bach=3
line 'out' import "$srcdir/inputs/qm9-sample.xyz.tar.bz2"
line 'no-such' import no-such.xyz --out "$dir/x"
line 'xzy' import "$dir/deck.yaml" --format xzy --out "$dir/x"

run 0 check "$dir/deck.yaml"
result $? 0 'a right deck'
[ ! -e "$dir/run" ]
point $? 'check makes nothing'
: >"$dir/file"
for command in check train; do
    run 0 $command "$dir/deck.yaml" --set run.dir="$dir/file/in/it"
    code=$?
    said "run.dir: $dir/file/in/it.*Not a directory"
    result $code$? 700 "$command: a run.dir that cannot be made"
done

# --- words in the wrong place
train 0 run train.epochs=1
model=$dir/run/model.h5
line "folder of a run.*model.h5" predict "$dir/run" "$dir/data" --out "$dir/p"
line 'MODEL comes first' predict "$dir/data" "$model" --out "$dir/p"
line 'MODEL comes first' predict "$srcdir/inputs/new-molecules.sdf" "$model" \
    --out "$dir/p"
line 'found a folder' predict "$dir/data" "$dir/data" --out "$dir/p"
run 0 import "$srcdir/inputs/molecules.sdf" --out /proc/se3t-set # none can be
[ $? = 70 ] && said '/proc/se3t-set: cannot be made'
point $? 'import names the folder that was asked for'

for words in '' --help --version 'train --help'; do
    run 0 $words # words apart
    [ $? = 0 ] && [ -s "$dir/out" ]
    point $? "se3t $words"
done
finish
