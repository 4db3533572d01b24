#!/usr/bin/python

DOCUMENTATION = r"""
module: service_info
short_description: Tell what services there are, and what they do
description:
  - Asks a service control manager through svc. Nothing is changed.
options:
  name:
    description: The name of a service, or a pattern such as V(web-*). Without it all services are told.
    type: str
attributes:
  check_mode:
    support: full
    description: Nothing is changed in any case.
extends_documentation_fragment:
  - svckit.svckit.svc
author:
  - the svckit maintainers
"""

EXAMPLES = r"""
- name: What runs here
  svckit.svckit.service_info:
  register: all

- name: The shop has not given up
  svckit.svckit.service_info:
    name: shop
  register: shop
  failed_when: shop.services[0].host.phase == 'gave_up'
"""

RETURN = r"""
services:
  description: Each service as C(svc status --json) has it; none where no service has the name.
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.svckit.svckit.plugins.module_utils.svc import COMMON, Svc

# The exit status for a service that isn't there.
NO_SUCH_SERVICE = 3


def main():
    module = AnsibleModule(argument_spec=dict(COMMON, name=dict(type="str")), supports_check_mode=True)
    name = module.params["name"]
    words = ["status"] if name is None else ["status", name]
    lines = Svc(module).run(words, good=(0, NO_SUCH_SERVICE))[1]
    module.exit_json(changed=False, services=lines[0] if lines else [])


if __name__ == "__main__":
    main()
