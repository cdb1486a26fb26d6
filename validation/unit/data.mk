# tests of src/data
unit_tests += bonds_test lewis_test molecule_test smiles_test
bonds_test_SOURCES = validation/unit/bonds_test.c
lewis_test_SOURCES = validation/unit/lewis_test.c
molecule_test_SOURCES = validation/unit/molecule_test.c
smiles_test_SOURCES = validation/unit/smiles_test.c
EXTRA_DIST += validation/data/molecules.txt validation/fuzz/fuzz_smiles.c \
	validation/fuzz/corpus/smiles
