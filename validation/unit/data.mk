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
EXTRA_DIST += validation/data/molecules.txt validation/fuzz/fuzz_smiles.c \
	validation/fuzz/corpus/smiles
unit_tests += batch_test
batch_test_SOURCES = validation/unit/batch_test.c
