# Manual, theory, man page: installed, and tested by validation/doc.
manual_files = doc/manual/accuracy.md doc/manual/clusters.md \
	doc/manual/commands.md doc/manual/deck.md doc/manual/exit-codes.md \
	doc/manual/first-run.md doc/manual/formats.md doc/manual/install.md \
	doc/manual/own-molecules.md

dist_man1_MANS = doc/se3t.1
dist_doc_DATA = CITATION.cff COPYING doc/bonds.md doc/developers.md \
	doc/performance.md doc/reliability.md doc/theory.md
manualdir = $(docdir)/manual
dist_manual_DATA = $(manual_files)
# The picture: jobscripts/quickstart.sh, then
#   cp runs/quickstart/report/parity-homo.svg doc/pictures/quickstart-parity.svg
EXTRA_DIST += doc/pictures/quickstart-parity.svg

# What the manual's examples use, and what messages name.
inputsdir = $(docdir)/inputs
dist_inputs_DATA = inputs/README.md inputs/all-keys.yaml inputs/molecules.sdf \
	inputs/new-molecules.sdf inputs/qm9-homo.yaml \
	inputs/qm9-sample.xyz.tar.bz2 inputs/quickstart.yaml
jobscriptsdir = $(docdir)/jobscripts
dist_jobscripts_SCRIPTS = jobscripts/get-qm9.sh
dist_jobscripts_DATA = jobscripts/train.pbs jobscripts/train.sbatch
