# any bytes as a deck or a source (fuzz.sh); not a part of make check
EXTRA_DIST += validation/fuzz/fuzz.sh validation/lsan.supp \
	validation/fuzz/fuzz_shards.c validation/fuzz/corpus/shards
