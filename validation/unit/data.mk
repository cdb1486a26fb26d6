# tests of src/data
unit_tests += bonds_test lewis_test loader_test molecule_test smiles_test \
	split_test target_scale_test
bonds_test_SOURCES = validation/unit/bonds_test.c
lewis_test_SOURCES = validation/unit/lewis_test.c
loader_test_SOURCES = validation/unit/loader_test.c validation/hand_data.h
molecule_test_SOURCES = validation/unit/molecule_test.c
smiles_test_SOURCES = validation/unit/smiles_test.c
split_test_SOURCES = validation/unit/split_test.c
target_scale_test_SOURCES = validation/unit/target_scale_test.c \
	validation/hand_data.h validation/noise.h
unit_tests += import_record_test import_test shard_test
import_record_test_SOURCES = validation/unit/import_record_test.c
import_test_SOURCES = validation/unit/import_test.c validation/unit/table.h
shard_test_SOURCES = validation/unit/shard_test.c validation/unit/table.h
EXTRA_DIST += inputs/qm9-sample.xyz.tar.bz2 validation/data/README.md \
	validation/data/corner-cases-bonds.csv \
	validation/data/corner-cases.xyz.tar.bz2 validation/data/edges-few.npz \
	validation/data/foreign validation/data/qm9pack-few.zip \
	validation/fuzz/corpus/extxyz validation/fuzz/corpus/npz \
	validation/fuzz/corpus/qm9pack validation/fuzz/corpus/sdf \
	validation/fuzz/corpus/xyz validation/fuzz/fuzz_extxyz.c \
	validation/fuzz/fuzz_npz.c validation/fuzz/fuzz_qm9pack.c \
	validation/fuzz/fuzz_records.h validation/fuzz/fuzz_sdf.c \
	validation/fuzz/fuzz_xyz.c
EXTRA_DIST += validation/data/molecules.txt validation/fuzz/fuzz_smiles.c \
	validation/fuzz/corpus/smiles
unit_tests += batch_test
batch_test_SOURCES = validation/unit/batch_test.c
check_SCRIPTS += validation/regress/hostile.t
EXTRA_DIST += validation/regress/hostile.t
