"""The article's first program: a role change as an audited span.

What stands between "the article" and "end of the article" is quoted; it still runs as printed. Around it is
what the article leaves to the reader: a tracer provider that exports, and the application it calls.

    OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317 python role_update.py
"""

from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

# Mended: without a provider that exports, `get_tracer` gives spans that record nothing, without an error.
provider = TracerProvider(resource=Resource.create({"service.name": "iam"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)

# --- the article ---
# Python example: Adding audit-relevant attributes to spans
from opentelemetry import trace

tracer = trace.get_tracer("audit-service")

def update_user_role(request, user_id, new_role):
    with tracer.start_as_current_span("user.role.update") as span:
        # Identity attributes - who performed the action
        span.set_attribute("enduser.id", request.authenticated_user.id)
        span.set_attribute("enduser.role", request.authenticated_user.role)
        span.set_attribute("enduser.ip", request.client_ip)

        # Action attributes - what was changed
        span.set_attribute("audit.action", "role_update")
        span.set_attribute("audit.target_user", user_id)
        span.set_attribute("audit.old_value", get_current_role(user_id))
        span.set_attribute("audit.new_value", new_role)
        span.set_attribute("audit.resource_type", "user_permission")

        # Perform the actual update
        result = permission_service.update_role(user_id, new_role)

        span.set_attribute("audit.result", "success" if result else "failure")
        return result
# --- end of the article ---


# Mended: the article calls an application that it does not show. This is a small one.
@dataclass
class User:
    id: str
    role: str


@dataclass
class Request:
    authenticated_user: User
    client_ip: str


class PermissionService:
    def __init__(self):
        self.roles = {"bob": "viewer", "carol": "editor", "dave": "viewer"}

    def update_role(self, user_id, new_role):
        if new_role == "owner":  # only a vote makes an owner
            return False
        self.roles[user_id] = new_role
        return True


permission_service = PermissionService()


def get_current_role(user_id):
    return permission_service.roles[user_id]


def main():
    alice = Request(authenticated_user=User(id="alice", role="admin"), client_ip="192.0.2.10")
    erin = Request(authenticated_user=User(id="erin", role="admin"), client_ip="198.51.100.7")
    update_user_role(alice, "bob", "editor")
    update_user_role(alice, "carol", "admin")
    update_user_role(erin, "dave", "owner")
    if not provider.force_flush():
        raise SystemExit("the spans were not accepted")
    print("3 role changes sent as spans")


if __name__ == "__main__":
    main()
