"""What the documentation of every module says alike."""


class ModuleDocFragment:
    """Options of module_utils.svc.COMMON, and what has to be there."""

    DOCUMENTATION = r"""
options:
  scm:
    description: The service control manager, as C(svc --scm) has it; by default that of the machine.
    type: str
  executable:
    description: The program svc, as a path or a name in PATH.
    type: str
    default: svc
  wait:
    description: The limit of each wait for a service in seconds; by default as long as there is progress.
    type: float
requirements:
  - svc on the managed machine
"""
