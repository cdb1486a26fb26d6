libcore_a_SOURCES += src/data/bonds.c src/data/bonds.h \
	src/data/bonds_kekulize.c src/data/bonds_map.c src/data/bonds_map.h \
	src/data/kekule.c src/data/kekule.h src/data/lewis.c src/data/lewis.h \
	src/data/molecule.c src/data/molecule.h src/data/smiles.c src/data/smiles.h
