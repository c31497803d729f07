"""The article's second program: a configuration change as a structured audit log.

What stands between "the article" and "end of the article" is quoted, but for the lines marked "Mended".

    OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317 python config_change.py
"""

from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk.resources import Resource

# --- the article ---
# Emit structured audit logs for system-level events
import logging
from opentelemetry._logs import set_logger_provider
# Mended: `LogRecord` left this module in SDK 1.39 (an ImportError), and the program never used it.
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter

# Set up the logger provider
# Mended: named, so that the record says which service it came from.
logger_provider = LoggerProvider(resource=Resource.create({"service.name": "admin-api"}))
logger_provider.add_log_record_processor(
    BatchLogRecordProcessor(OTLPLogExporter())
)
set_logger_provider(logger_provider)

logger = logging.getLogger("audit.system")
# Mended: nothing led from Python's logging to OpenTelemetry.
logger.addHandler(LoggingHandler(logger_provider=logger_provider))
# Mended: INFO lies below the default level, WARNING, and was dropped in silence.
logger.setLevel(logging.INFO)

def on_config_change(old_config, new_config, changed_by):
    logger.info(
        "System configuration changed",
        extra={
            "audit.action": "config_change",
            "audit.changed_by": changed_by,
            "audit.config_keys_modified": list(
                set(new_config.keys()) - set(old_config.keys())
            ),
            "audit.change_source": "admin_api",
            "audit.severity": "high",
        },
    )
# --- end of the article ---


def main():
    on_config_change({"session.timeout": "30m"}, {"session.timeout": "30m", "mfa.required": "true"}, "alice")
    if not logger_provider.force_flush():
        raise SystemExit("the log was not accepted")
    print("1 configuration change sent as a log")


if __name__ == "__main__":
    main()
