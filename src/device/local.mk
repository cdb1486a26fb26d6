libcore_a_SOURCES += src/device/device.c src/device/device.h src/device/graph.h \
	src/device/kernel_list.h src/device/kernels.h src/device/kernels_conv.h \
	src/device/kernels_node.h src/device/kernels_step.h \
	src/device/profile.c src/device/profile.h src/device/profile_slots.h \
	src/device/profile_work.c \
	src/device/tensor.c src/device/tensor.h
