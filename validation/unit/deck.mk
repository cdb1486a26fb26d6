# tests of src/deck
