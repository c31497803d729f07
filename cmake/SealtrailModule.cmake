# sealtrail_module(NAME tlog DEPS base crypto [LIBS OpenSSL::Crypto])
#
# Declares a module, once: the folder src/<NAME>, the target sealtrail_<NAME>, its allowed modules
# (tests/checks compares every #include with DEPS), and one test binary <NAME>_test from its *_test.cc.
# src/<NAME>/testing/*.cc, where present, become sealtrail_<NAME>_testing: helpers for other modules' tests.
# TEST_DEPS and TEST_LIBS are for the tests alone.
function(sealtrail_module)
  cmake_parse_arguments(M "" "NAME" "DEPS;LIBS;TEST_DEPS;TEST_LIBS" ${ARGN})
  set(dir ${CMAKE_SOURCE_DIR}/src/${M_NAME})
  file(GLOB sources CONFIGURE_DEPENDS ${dir}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")

  set(target sealtrail_${M_NAME})
  if(sources)
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE sealtrail_options)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${CMAKE_SOURCE_DIR}/src)
  list(TRANSFORM M_DEPS PREPEND sealtrail_ OUTPUT_VARIABLE deps)
  target_link_libraries(${target} ${scope} ${deps} ${M_LIBS})

  file(GLOB testing CONFIGURE_DEPENDS ${dir}/testing/*.cc)
  if(testing)
    add_library(${target}_testing STATIC ${testing})
    target_link_libraries(${target}_testing PUBLIC ${target} PRIVATE sealtrail_options)
  endif()

  if(tests)
    list(TRANSFORM M_TEST_DEPS PREPEND sealtrail_ OUTPUT_VARIABLE test_deps)
    add_executable(${M_NAME}_test ${tests})
    target_link_libraries(${M_NAME}_test PRIVATE ${target} sealtrail_options ${test_deps} ${M_TEST_LIBS}
      GTest::gtest GTest::gmock GTest::gtest_main)
    if(testing)
      target_link_libraries(${M_NAME}_test PRIVATE ${target}_testing)
    endif()
    target_compile_definitions(${M_NAME}_test PRIVATE SEALTRAIL_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    add_test(NAME ${M_NAME} COMMAND ${M_NAME}_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${M_NAME} PROPERTIES LABELS unit)
  endif()
endfunction()
