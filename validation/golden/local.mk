# The published implementation's numbers (golden.t says how they are used).
check_SCRIPTS += validation/golden/golden.t
EXTRA_DIST += validation/golden/golden.t \
	validation/golden/p1_tiny.h5 \
	validation/golden/p2_full.h5 \
	validation/golden/p4_per_input.h5 \
	validation/golden/p5_avg.h5 \
	validation/golden/p5_graph.h5 \
	validation/golden/p5_unequal.h5 \
	validation/golden/p5_vector.h5 \
	validation/golden/p6_default.h5 \
	validation/golden/p7_accumulate.h5 \
	validation/golden/p7_clip_cosine.h5 \
	validation/golden/p7_lamb.h5 \
	validation/golden/p7_sgd.h5 \
	validation/golden/p8_attention.h5 \
	validation/golden/p8_attention_unequal.h5 \
	validation/golden/p8_conv_directed.h5 \
	validation/golden/p8_conv_full.h5 \
	validation/golden/p8_conv_none.h5 \
	validation/golden/p8_conv_per_input.h5 \
	validation/golden/p8_conv_per_output.h5 \
	validation/golden/p8_linear.h5 \
	validation/golden/p8_norm.h5 \
	validation/golden/p8_norm_clamp.h5 \
	validation/golden/p8_norm_unequal.h5 \
	validation/golden/p8_pool_avg.h5 \
	validation/golden/p8_pool_max.h5
