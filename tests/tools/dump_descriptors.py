#!/usr/bin/env python3
"""Writes the FileDescriptorSet of OTLP traces and logs, as opentelemetry-proto's wheel carries it.

    dump_descriptors.py OUT

The tests of src/otlp build protobuf's own classes from it at run time: a second witness of the wire
format that shares no code with our decoder. Files come in the order that a DescriptorPool needs.
"""
import sys

from google.protobuf import descriptor_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2


def add(file, found, out):
    if file.name in found:
        return
    found.add(file.name)
    for dependency in file.dependencies:
        add(dependency, found, out)
    file.CopyToProto(out.file.add())


def main():
    out = descriptor_pb2.FileDescriptorSet()
    found = set()
    for module in (trace_service_pb2, logs_service_pb2):
        add(module.DESCRIPTOR, found, out)
    with open(sys.argv[1], "wb") as file:
        file.write(out.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()
