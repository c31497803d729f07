# The second witness of OTLP's wire format (src/otlp/testing): protobuf's own parser, over the descriptors in the
# Python wheel opentelemetry-proto. Only tests see it; no library of ours links a generated class.
set(otlp_descriptors ${CMAKE_BINARY_DIR}/otlp_descriptors.bin)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/requirements.txt)
if(EXISTS ${CMAKE_SOURCE_DIR}/.venv/bin/python3)
  add_custom_command(OUTPUT ${otlp_descriptors}
    COMMAND ${CMAKE_SOURCE_DIR}/.venv/bin/python3
            ${CMAKE_SOURCE_DIR}/tests/tools/dump_descriptors.py ${otlp_descriptors}
    DEPENDS ${CMAKE_SOURCE_DIR}/tests/tools/dump_descriptors.py ${CMAKE_SOURCE_DIR}/tests/requirements.txt
    COMMENT "Descriptors of OTLP for otlp_test" VERBATIM)
  add_custom_target(otlp_descriptors DEPENDS ${otlp_descriptors})
  add_dependencies(sealtrail_otlp_testing otlp_descriptors)
else()
  # The test then fails and says what to run: a witness that is missing must not look like one that agrees.
  message(WARNING "no .venv: otlp_test will fail until scripts/setup has run and CMake is run again")
  file(REMOVE ${otlp_descriptors})
endif()
target_link_libraries(sealtrail_otlp_testing PUBLIC protobuf::libprotobuf)
target_compile_definitions(sealtrail_otlp_testing PRIVATE SEALTRAIL_OTLP_DESCRIPTORS="${otlp_descriptors}")
