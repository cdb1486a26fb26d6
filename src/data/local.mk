libcore_a_SOURCES += src/data/batch.c src/data/batch.h src/data/bonds.h \
	src/data/dataset.h src/data/elements.c src/data/import.h src/data/lewis.h \
	src/data/loader.c src/data/loader.h src/data/molecule.h src/data/shard.h \
	src/data/smiles.h src/data/split.c src/data/split.h src/data/split_file.c \
	src/data/split_file.h src/data/split_mt.c src/data/split_pcg.c \
	src/data/target_scale.c
