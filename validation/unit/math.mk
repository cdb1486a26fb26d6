# tests of src/math
