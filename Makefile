# The front door. `make demo` and `make test` are all that a newcomer needs; both install what is
# missing (Debian 12). The others are for work on the code; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help demo test unit build deps kube e2e bench fuzz sanitize accept docs crds format tidy install clean
JOBS ?= $(shell nproc)
BUILD := build/release

help:           ## this list
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

demo:           ## installs, builds, brings a real example up on this machine, tries every door
	@scripts/deps.sh build local
	@$(MAKE) --no-print-directory build
	@scripts/demo.sh $(BUILD)/cnpg-dbm

test:           ## installs what tests need and runs all of them
	@scripts/test.sh

build:          ## the program: build/release/cnpg-dbm
	@cmake --preset release -DDBM_TESTS=OFF >/dev/null
	@cmake --build --preset release -j $(JOBS) --target cnpg-dbm

unit:           ## the C++ tests alone
	@cmake --preset release -DDBM_TESTS=ON >/dev/null
	@cmake --build --preset release -j $(JOBS)
	@ctest --preset release

deps:           ## Debian's packages for building and testing
	@scripts/deps.sh build local test

kube:           ## the real API server and operator of test/kube, once (10 minutes; cached)
	@scripts/deps.sh kube
	@test/kube/build.sh admission

e2e: build      ## the story of the README on a cluster with pods (root; 4 minutes when all is cached)
	@scripts/deps.sh kube e2e
	@CNPG_DBM=$${CNPG_DBM:-$(BUILD)/cnpg-dbm} test/e2e/box.sh /usr/bin/python3 -m pytest -q test/e2e

bench: build    ## against `helm template`, `kubectl apply`, createuser and createdb: time, memory, ratios; a cold build
	@scripts/deps.sh local kube bench
	@/usr/bin/python3 bench/bench.py --program $(BUILD)/cnpg-dbm
	@/usr/bin/python3 bench/local.py --program $(BUILD)/cnpg-dbm
	@/usr/bin/python3 bench/apply.py --program $(BUILD)/cnpg-dbm
	@/usr/bin/python3 bench/cold_build.py

sanitize:       ## the C++ tests under AddressSanitizer and UBSan
	@cmake --preset sanitize >/dev/null
	@cmake --build --preset sanitize -j $(JOBS)
	@ctest --preset sanitize

fuzz:           ## a minute for each fuzzer (libFuzzer); FUZZ_SECONDS=600 for longer
	@scripts/deps.sh fuzz
	@scripts/fuzz.sh

docs: build     ## docs/values.md from the table of keys
	@scripts/docs.sh $(BUILD)/cnpg-dbm

accept:         ## takes what the program prints now as the golden files
	@$(MAKE) --no-print-directory build
	@/usr/bin/python3 test/cli/golden.py --accept --program $(BUILD)/cnpg-dbm

crds:           ## the table of CloudNativePG's fields, from the CRDs
	@tools/crdgen/crdgen.sh

format:         ## clang-format over src and fuzz
	@clang-format -i $$(git ls-files 'src/*.cc' 'src/*.h' 'fuzz/*.cc' 'testing/*' | grep -v gen.cc)

tidy:           ## clang-tidy over src
	@cmake --preset release -DDBM_TESTS=OFF >/dev/null
	@clang-tidy -p $(BUILD) --quiet $$(git ls-files 'src/*.cc' | grep -vE '_test|_pgtest|gen\.cc')

install: build  ## into /usr/local, or DESTDIR
	@cmake --install $(BUILD)

clean:          ## everything that was built here (not the cache of make kube)
	@rm -rf build
