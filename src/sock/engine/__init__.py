"""The life cycle of a connection, without I/O: no bytes, no clock, no event loop."""

from .cause import Cause as Cause
from .host import Host as Host
from .job import Job as Job
from .job import Role as Role
from .jobs import Jobs as Jobs
from .keepalive import NEVER as NEVER
from .keepalive import Keepalive as Keepalive
from .keepalive import Verdict as Verdict
from .lifecycle import Lifecycle as Lifecycle
from .mailbox import Kind as Kind
from .mailbox import Mailbox as Mailbox
from .outbox import Outbox as Outbox
from .phase import Phase as Phase
from .size import encoded_size as encoded_size

__all__ = [
    "NEVER",
    "Cause",
    "Host",
    "Job",
    "Jobs",
    "Keepalive",
    "Kind",
    "Lifecycle",
    "Mailbox",
    "Outbox",
    "Phase",
    "Role",
    "Verdict",
    "encoded_size",
]
