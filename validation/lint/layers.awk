# layers.awk FILE... - what a file includes lies in its own folder of src or in
# an earlier one of `order`; MPI and HDF5 are named in src/comm alone.
BEGIN {
    n = split("base math comm deck data device cpu cuda model run app", name)
    for (i = 1; i <= n; i++)
        order[name[i]] = i
}
FNR == 1 {
    split(FILENAME, part, "/")
    for (i = 1; part[i] != "src" && part[i] != "cuda"; i++)
        ;
    own = part[i] == "cuda" ? "cuda" : part[i + 1]
    if (!(own in order)) # src/main.c
        order[own] = n + 1
}
/^ *# *include *"/ {
    split($0, quoted, "\"")
    split(quoted[2], part, "/")
    if (part[1] in order && order[part[1]] > order[own])
        bad(quoted[2] " is of a higher layer")
    if ((part[1] == "cpu" || part[1] == "cuda") && own != part[1] &&
        own != "app" && own != "main.c")
        bad(quoted[2] " is for src/app/devices alone")
}
/^ *# *include *<(mpi|hdf5)\.h>/ && own != "comm" { bad($NF " outside src/comm") }
/(^|[^A-Za-z0-9_])(MPI_[A-Z]|H5[A-Z]+[a-z])[A-Za-z_]*\(/ && own != "comm" &&
    !/^ \*|\/\*/ { bad("calls MPI or HDF5") }
function bad(what) {
    printf "%s:%d: %s\n", FILENAME, FNR, what
    failed = 1
}
END { exit failed }
