# Compiler flags of every target of ours. Sanitizers and warnings are chosen by the presets.
set(SEALTRAIL_SANITIZE "" CACHE STRING "Value of -fsanitize=, for example address,undefined")
option(SEALTRAIL_FUZZ "Build libFuzzer targets (clang only)" OFF)
option(SEALTRAIL_CLANG_TIDY "Run clang-tidy while compiling" OFF)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

add_library(sealtrail_options INTERFACE)
target_compile_options(sealtrail_options INTERFACE
  -Wall -Wextra -Werror -Wno-missing-field-initializers -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # gcc 12 sees overflows in fmt::to_string that are not there.
  target_compile_options(sealtrail_options INTERFACE -Wno-stringop-overflow)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(sealtrail_options INTERFACE -Wthread-safety)
endif()
if(SEALTRAIL_SANITIZE)
  add_compile_options(-fsanitize=${SEALTRAIL_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SEALTRAIL_SANITIZE})
endif()
if(SEALTRAIL_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wno-tsan)  # Asio has fences, which ThreadSanitizer does not see; its queues lock besides
endif()
if(SEALTRAIL_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(SEALTRAIL_CLANG_TIDY)
  find_program(CLANG_TIDY_PROGRAM NAMES clang-tidy-16 REQUIRED)
  set(CMAKE_CXX_CLANG_TIDY ${CLANG_TIDY_PROGRAM} --quiet)
endif()
