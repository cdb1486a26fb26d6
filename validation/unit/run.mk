# tests of src/run
