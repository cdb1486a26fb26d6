# mutate.awk - a kernel file in which each barrier, fence, wait and guard can be
# left out: SIMT_MUTANT=n at run time leaves out the n-th, so that one build
# serves all. On stdout the file, in LIST a line "n<TAB>line<TAB>statement" each.
#
#   awk -v LIST=file -f mutate.awk FILE.cu
#
# Guards: an `if` with a comparison or with a thread's number, one before a
# return or continue, and what a bool is set to; the statement stays, as if its
# condition held (before a return: did not hold).
BEGIN {
    waits = "^ *(__syncthreads|__syncwarp|__threadfence|dev_copy_wait<[^>]*>" \
        "|dev_copy_commit)\\([^;]*\\);$"
    print "extern \"C\" int simt_mutant(int n);"
    print "#line 1 \"" FILE "\""
}
{
    line[NR] = $0
}
END {
    for (i = 1; i <= NR; i++)
        if (line[i] ~ waits)
            print "{ if (!" mutant(i, line[i]) ") " line[i] " }"
        else if (line[i] ~ /^ *(\} else )?if \(/)
            guard()
        else if (line[i] ~ /^ *bool [a-z_]+ = /)
            truth()
        else
            print line[i]
}
function mutant(at, text) {
    gsub(/[ \t\n]+/, " ", text)
    sub(/^ /, "", text)
    print ++n "\t" at "\t" text >LIST
    return "simt_mutant(" n ")"
}
function balance(text,   open) {
    open = gsub(/\(/, "(", text)
    return open - gsub(/\)/, ")", text)
}
# `if (CONDITION)`, on as many lines as it takes.
function guard(   text, at, last, head, tail, condition, leaves) {
    at = i
    text = line[i]
    while (balance(text) > 0)
        text = text "\n" line[++i]
    leaves = line[i + 1] ~ /^ *(return|continue)[^;]*;$/
    head = index(text, "if (") + 3
    last = match(text, /\)[^)]*$/)
    condition = substr(text, head + 1, last - head - 1)
    tail = substr(text, last + 1)
    if (!leaves && condition !~ /[<>]|thread|lane|warp/) {
        print text
        return
    }
    print substr(text, 1, head) (leaves ? "!" : "") mutant(at, text) \
        (leaves ? " && (" : " || (") condition "))" tail
}
function truth(   text, at, head) {
    at = i
    text = line[i]
    while (text !~ /;$/)
        text = text "\n" line[++i]
    head = index(text, "= ") + 1
    print substr(text, 1, head) mutant(at, text) " || (" \
        substr(text, head + 1, length(text) - head - 1) ");"
}
