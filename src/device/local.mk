libcore_a_SOURCES += src/device/tensor.c src/device/tensor.h
