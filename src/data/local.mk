libcore_a_SOURCES += src/data/batch.c src/data/batch.h src/data/bonds.c \
	src/data/bonds.h src/data/bonds_kekulize.c src/data/bonds_map.c \
	src/data/bonds_map.h src/data/csv.c src/data/csv.h src/data/dataset.c \
	src/data/dataset.h src/data/dataset_open.c src/data/elements.c \
	src/data/import.c src/data/import.h src/data/import_bag.c \
	src/data/import_bag.h src/data/import_detect.c src/data/import_detect.h \
	src/data/import_extxyz.c src/data/import_folder.c src/data/import_folder.h \
	src/data/import_format.h src/data/import_ids.c src/data/import_ids.h \
	src/data/import_merge.c src/data/import_merge.h src/data/import_npz.c \
	src/data/import_odd.c src/data/import_odd.h \
	src/data/import_qm9pack.c src/data/import_record.c src/data/import_sdf.c \
	src/data/import_source.c src/data/import_source.h src/data/import_table.c \
	src/data/import_table.h src/data/import_targets.c src/data/import_targets.h \
	src/data/import_xyz.c src/data/kekule.c src/data/kekule.h src/data/lewis.c \
	src/data/lewis.h src/data/loader.c src/data/loader.h src/data/manifest.c \
	src/data/manifest.h src/data/molecule.c src/data/molecule.h src/data/npy.c \
	src/data/npy.h src/data/qm9.c src/data/qm9.h src/data/shard.c \
	src/data/shard.h src/data/shard_folder.c src/data/shard_folder.h \
	src/data/slice.c src/data/slice.h src/data/smiles.c src/data/smiles.h \
	src/data/split.c src/data/split.h src/data/split_file.c \
	src/data/split_file.h src/data/split_mt.c src/data/split_pcg.c \
	src/data/target_scale.c
