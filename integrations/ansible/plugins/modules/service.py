#!/usr/bin/python

DOCUMENTATION = r"""
module: service
short_description: Install, change, start, stop and remove services of svckit
description:
  - Sees to it that a service of svckit is there as its definition says, and runs or not.
  - A service that runs, and whose program would run differently, is restarted, with those that run and need it.
options:
  name:
    description: The name of the service. Needed unless O(definition_file) is given.
    type: str
  state:
    description:
      - V(present) installs or changes it, and leaves what it does as it is.
      - V(started) and V(stopped) see to that as well, where a definition is given; else the service has to be there.
      - V(restarted) is started anew in any case, and started if it was stopped.
      - V(absent) stops and removes it.
    type: str
    choices: [present, absent, started, stopped, restarted]
    default: present
  definition:
    description:
      - What a table C([service.NAME]) of a definition file says.
      - Paths in it are relative to its C(directory), which is a whole path.
      - Say secrets by reference, C({file: /path}); Ansible writes arguments of modules into logs.
    type: dict
  definition_file:
    description:
      - The whole path of a definition file on the managed machine, which may be C(FILE.cfg#PART); all its services are meant.
    type: path
attributes:
  check_mode:
    support: full
    description: Says what would be changed, and changes nothing.
  diff_mode:
    support: full
    description: Shows what is there before and after, without secrets.
extends_documentation_fragment:
  - svckit.svckit.svc
author:
  - the svckit maintainers
"""

EXAMPLES = r"""
- name: The shop runs
  svckit.svckit.service:
    name: shop
    state: started
    definition:
      run: [python3, -m, shop]
      directory: /srv/shop
      start: auto
      ready: {tcp: "127.0.0.1:8080"}
      environment:
        DB_PASSWORD: {file: /etc/shop/password}

- name: All services of a file are installed
  svckit.svckit.service:
    definition_file: /srv/shop/service.toml

- name: After a new release
  svckit.svckit.service:
    name: shop
    state: restarted

- name: The old one goes
  svckit.svckit.service:
    name: oldshop
    state: absent
"""

RETURN = r"""
service:
  description: The service as it is then, or in check mode would be. Not with O(definition_file).
  returned: success and O(name) given
  type: dict
  sample: {name: shop, exists: true, state: running, definition: {run: [/usr/bin/python3, -m, shop]}}
changes:
  description: The names of what was another, C(exists), C(state) or C(definition); with O(definition_file) the steps that were done.
  returned: success
  type: list
  elements: str
  sample: [definition]
error:
  description: The error as svc tells it, with C(operation), C(service), C(code), C(name), C(message) and C(hint).
  returned: failure of svc
  type: dict
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.svckit.svckit.plugins.module_utils.svc import ALREADY_SO, COMMON, DIFFERENT, Svc

NAMES = {"_exist": "exists", "state": "state", "definition": "definition"}


def told(state):
    """A state with the names that this module has for its keys."""
    return {NAMES.get(key, key): value for key, value in state.items()}


def instance(params):
    """The service as it shall be."""
    wanted = {"name": params["name"], "_exist": params["state"] != "absent"}
    if params["definition"] is not None:
        wanted["definition"] = params["definition"]
    if params["state"] == "stopped":
        wanted["state"] = "stopped"
    elif params["state"] in ("started", "restarted"):
        wanted["state"] = "running"
    return wanted


def process(svc, name):
    """What tells one run of a service from the next."""
    status = svc.run(["status", name])[1][0][0]
    return status["pid"], (status.get("host") or {}).get("child_pid")


def one(module, svc):
    """One service, by its name."""
    wanted = instance(module.params)
    before = svc.dsc("get", {"name": wanted["name"]})[0]
    again = module.params["state"] == "restarted" and before.get("state", "stopped") != "stopped"
    program = process(svc, wanted["name"]) if again else None
    after, changes = svc.dsc("what-if" if module.check_mode else "set", wanted)
    if again:
        changes += [] if "state" in changes else ["state"]
        # A change of the definition may have restarted it, or not.
        if not module.check_mode and process(svc, wanted["name"]) == program:
            svc.run(["restart", wanted["name"]])
            after = svc.dsc("get", {"name": wanted["name"]})[0]
    result = dict(changed=bool(changes), service=told(after), changes=[NAMES[name] for name in changes])
    if module._diff:
        result["diff"] = dict(before=told(before), after=told(after))
    module.exit_json(**result)


def whole(module, svc):
    """All services of a file."""
    file, state, check = module.params["definition_file"], module.params["state"], module.check_mode
    if not os.path.isabs(file):
        module.fail_json(msg="definition_file has to be a whole path: %s" % file)
    changes, diff = [], {}
    if state == "absent":
        there = {service["name"].lower() for service in svc.run(["list"])[1][0]}
        gone = [one["service"] for one in svc.run(["diff", file], good=(0, DIFFERENT))[1][0]]
        changes = ["remove %s" % name for name in gone if name.lower() in there]
        if changes and not check:
            svc.run(["down", file])
        diff = dict(before={name: "present" for name in gone if name.lower() in there}, after={})
    else:
        steps = svc.run(["plan", file], good=(0, DIFFERENT))[1][0]
        changes = ["%s %s" % (step["step"], step["service"]) for step in steps["steps"]]
        diff = fields(steps["services"])
        if changes and not check:
            svc.run(["apply", file])
        changes += moved(svc, file, steps, state, check)
    result = dict(changed=bool(changes), changes=changes)
    if module._diff:
        result["diff"] = diff
    module.exit_json(**result)


def fields(services):
    """What plan tells of each service, field by field."""
    before, after = {}, {}
    for service in services:
        for field in service["fields"]:
            key = "%s: %s" % (service["service"], field["field"])
            before[key], after[key] = field["old"], field["new"]
    return dict(before=before, after=after)


def moved(svc, file, plan, state, check):
    """Starts or stops what isn't as it shall be; what was done, or would be."""
    if state == "present":
        return []
    restarted = {step["service"] for step in plan["steps"] if step["step"] == "start"}
    new = {step["service"] for step in plan["steps"] if step["step"] == "install"}
    there = [service["service"] for service in plan["services"] if not (check and service["service"] in new)]
    running = set()
    if there:
        status = svc.run(["status"] + there)[1][0]
        running = {service["name"] for service in status if service["state"] != "STOPPED"}
    names = [service["service"] for service in plan["services"]]
    if state == "stopped":
        due, verb = [name for name in names if name in running], "stop"
    elif state == "started":
        due, verb = [name for name in names if name not in running], "start"
    else:
        due, verb = [name for name in names if name not in restarted], "restart"
    if due and not check:
        svc.run([verb] + due, good=(0, ALREADY_SO))
    return ["%s %s" % (verb, name) for name in due]


def main():
    module = AnsibleModule(
        argument_spec=dict(
            COMMON,
            name=dict(type="str"),
            state=dict(
                type="str", default="present", choices=["present", "absent", "started", "stopped", "restarted"]
            ),
            definition=dict(type="dict"),
            definition_file=dict(type="path"),
        ),
        mutually_exclusive=[("definition", "definition_file"), ("name", "definition_file")],
        required_one_of=[("name", "definition_file")],
        supports_check_mode=True,
    )
    if module.params["wait"] == 0:
        module.fail_json(msg="wait: 0 isn't possible, since the module tells how the service is then")
    svc = Svc(module)
    if module.params["name"] is None:
        whole(module, svc)
    else:
        one(module, svc)


if __name__ == "__main__":
    main()
