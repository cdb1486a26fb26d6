libcore_a_SOURCES += src/data/bonds.c src/data/bonds.h \
	src/data/bonds_kekulize.c src/data/bonds_map.c src/data/bonds_map.h \
	src/data/elements.c src/data/kekule.c src/data/kekule.h \
	src/data/lewis.c src/data/lewis.h src/data/loader.c src/data/loader.h \
	src/data/molecule.c src/data/molecule.h src/data/smiles.c \
	src/data/smiles.h src/data/split.c src/data/split.h \
	src/data/split_file.c src/data/split_file.h src/data/split_mt.c \
	src/data/split_pcg.c src/data/target_scale.c
