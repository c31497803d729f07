# Every third-party library, each with its reason in third_party/README.md.
# scripts/setup installs them; a missing one stops here and says so.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CURL REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(simdjson REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
find_path(LIBDEFLATE_INCLUDE libdeflate.h REQUIRED)
find_library(LIBDEFLATE_LIBRARY deflate REQUIRED)
add_library(libdeflate INTERFACE)
target_link_libraries(libdeflate INTERFACE ${LIBDEFLATE_LIBRARY})

# DuckDB comes from npm: the library and the header of one version (third_party/npm).
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(duckdb_arch arm64)
else()
  set(duckdb_arch x64)
endif()
set(npm_modules ${CMAKE_SOURCE_DIR}/third_party/npm/node_modules)
find_library(DUCKDB_LIBRARY duckdb REQUIRED NO_DEFAULT_PATH
  PATHS ${npm_modules}/@duckdb/node-bindings-linux-${duckdb_arch})
find_path(DUCKDB_INCLUDE duckdb.h REQUIRED NO_DEFAULT_PATH
  PATHS ${npm_modules}/duckdb/src/duckdb/src/include)
add_library(duckdb SHARED IMPORTED)
set_target_properties(duckdb PROPERTIES
  IMPORTED_LOCATION ${DUCKDB_LIBRARY}
  INTERFACE_INCLUDE_DIRECTORIES ${DUCKDB_INCLUDE})
