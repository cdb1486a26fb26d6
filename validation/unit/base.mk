# tests of src/base
