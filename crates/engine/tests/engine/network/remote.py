"""What impacket does with a service control manager over TCP: remote.py PART PORT PASSWORD PROGRAM MAPPER."""

import os
import pwd
import struct
import sys

from impacket.dcerpc.v5 import epm, rpcrt, scmr, transport

part, port, password, program, mapper = sys.argv[1:6]
NAME, GROUP = "web\0", "shops\0"
GONE = 1060


def connect(user="ann", password=password, level=rpcrt.RPC_C_AUTHN_LEVEL_PKT_PRIVACY):
    way = transport.DCERPCTransportFactory("ncacn_ip_tcp:127.0.0.1[%s]" % port)
    way.set_credentials(user, password)
    client = way.get_dce_rpc()
    if level is not None:
        client.set_auth_type(rpcrt.RPC_C_AUTHN_WINNT)
        client.set_auth_level(level)
    client.connect()
    client.bind(scmr.MSRPC_UUID_SCMR)
    return client


def code(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except scmr.DCERPCSessionError as error:
        return error.get_error_code()
    return 0


def expect(found, wanted, what):
    if found != wanted:
        raise AssertionError("%s: %r, not %r" % (what, found, wanted))


def wait(client, service, wanted):
    """Waits for a state: a notification has to come. impacket's form of the parameters lacks the level before the union, so they are written here (2.2.23, 2.2.43)."""
    mask = {scmr.SERVICE_STOPPED: 1, scmr.SERVICE_RUNNING: 8}[wanted]
    params = struct.pack("<IIIQI", 1, 1, 0x20000, 0, mask) + bytes(16 + 16 + 36 + 4 + 4)
    client.call(47, service + params + bytes(16))
    answer = scmr.RNotifyServiceStatusChangeResponse(client.recv())
    expect(answer["ErrorCode"], 0, "waiting")
    notify = answer["phNotify"]
    request = scmr.RGetNotifyResults()
    request["hNotify"] = notify
    client.call(request.opnum, request)
    results = client.recv()
    # A pointer, a conformance and a count; level, union and pointer of the only one; then its thread, mask and addresses, and the type.
    state = int.from_bytes(results[72:76], "little")
    expect((state, results[-4:]), (wanted, bytes(4)), "the state that was waited for")
    request = scmr.RCloseNotifyHandle()
    request["phNotify"] = notify
    client.request(request)


def manage():
    client = connect()
    manager = scmr.hROpenSCManagerW(client)["lpScHandle"]
    image = '"%s" "web=run"\0' % program
    made = scmr.hRCreateServiceW(client, manager, NAME, "The web\0", lpBinaryPathName=image,
                                 dwStartType=scmr.SERVICE_DEMAND_START)
    service = made["lpServiceHandle"]
    expect(code(scmr.hRCreateServiceW, client, manager, NAME, "Another\0", lpBinaryPathName=image), 1073, "twice")
    scmr.hRChangeServiceConfigW(client, service, lpDisplayName="The shop\0", lpLoadOrderGroup=GROUP)
    config = scmr.hRQueryServiceConfigW(client, service)["lpServiceConfig"]
    expect((config["lpDisplayName"], config["lpLoadOrderGroup"]), ("The shop\0", GROUP), "configuration")
    expect(scmr.hRGetServiceDisplayNameW(client, manager, NAME, 64)["lpDisplayName"], "The shop\0", "display name")
    change = scmr.SC_RPC_CONFIG_INFOW()
    change["dwInfoLevel"] = 1
    change["Union"]["tag"] = 1
    change["Union"]["psd"]["lpDescription"] = "Sells things\0"
    request = scmr.RChangeServiceConfig2W()
    request["hService"], request["Info"] = service, change
    client.request(request)
    request = scmr.RQueryServiceConfig2W()
    request["hService"], request["dwInfoLevel"], request["cbBufSize"] = service, 1, 4096
    told = b"".join(client.request(request)["lpBuffer"])
    expect("Sells things".encode("utf-16le") in told, True, "description")
    scmr.hRStartServiceW(client, service)
    wait(client, service, scmr.SERVICE_RUNNING)
    expect(code(scmr.hRStartServiceW, client, service), 1056, "started twice")
    names = [one["lpServiceName"].rstrip("\0") for one in scmr.hREnumServicesStatusW(client, manager)]
    expect(names, ["web"], "list")
    dependents = scmr.hREnumDependentServicesW(client, service, scmr.SERVICE_STATE_ALL, 4096)
    expect(dependents["lpServicesReturned"], 0, "dependents")
    request = scmr.RQueryServiceObjectSecurity()
    request["hService"], request["dwSecurityInformation"], request["cbBufSize"] = service, 4, 4096
    security = client.request(request)
    expect(security["ErrorCode"], 0, "security")
    request = scmr.RSetServiceObjectSecurity()
    needed = security["pcbBytesNeeded"]
    descriptor = b"".join(security["lpSecurityDescriptor"])[:needed]
    request["hService"], request["dwSecurityInformation"] = service, 4
    request["lpSecurityDescriptor"], request["cbBufSize"] = [bytes([one]) for one in descriptor], len(descriptor)
    expect(client.request(request)["ErrorCode"], 0, "security is set")
    scmr.hRControlService(client, service, scmr.SERVICE_CONTROL_STOP)
    wait(client, service, scmr.SERVICE_STOPPED)
    scmr.hRDeleteService(client, service)
    scmr.hRCloseServiceHandle(client, service)
    expect(code(scmr.hROpenServiceW, client, manager, NAME), GONE, "deleted")
    client.disconnect()
    print("managed")


def passwords():
    """Over TCP they are in clear within what is sealed ([MS-SCMR] 3.1.4.12), and what is encrypted in one more way is another password."""
    client = connect()
    manager = scmr.hROpenSCManagerW(client)["lpScHandle"]
    account = pwd.getpwuid(os.getuid()).pw_name + "\0"
    clear = "a password of an account\0".encode("utf-16le")
    encrypted = bytes.fromhex("af784403fba092278c95fc7e88564ccd7cd0c241da6f14415626cda581e9223d")
    made = scmr.hRCreateServiceW(client, manager, NAME, NAME, lpBinaryPathName="/bin/true\0", lpServiceStartName=account,
                                 lpPassword=clear, dwPwSize=len(clear))
    service = made["lpServiceHandle"]
    for password in clear, encrypted, clear[:-2], b"\0\0":
        scmr.hRChangeServiceConfigW(client, service, lpPassword=password, dwPwSize=len(password))
    for wrong in clear[:-1], b"\x3d\xd8\0\0":
        given = dict(lpPassword=wrong, dwPwSize=len(wrong))
        expect(code(scmr.hRChangeServiceConfigW, client, service, **given), 87, "no text")
    print("set")


def is_refused(**named):
    try:
        scmr.hROpenSCManagerW(connect(**named))
    except Exception:
        return True
    return False


def refused():
    wrong = [
        dict(password="wrong horse"), dict(user="eve"), dict(user="", password=""), dict(password=""),
        dict(level=None), dict(level=rpcrt.RPC_C_AUTHN_LEVEL_CONNECT),
        dict(level=rpcrt.RPC_C_AUTHN_LEVEL_PKT), dict(level=rpcrt.RPC_C_AUTHN_LEVEL_PKT_INTEGRITY),
    ]
    for named in wrong:
        expect(is_refused(**named), True, named)
    expect(is_refused(), False, "the right one")
    print("refused")


def map():
    way = transport.DCERPCTransportFactory("ncacn_ip_tcp:127.0.0.1[%s]" % mapper)
    client = way.get_dce_rpc()
    client.connect()
    print(epm.hept_map("127.0.0.1", scmr.MSRPC_UUID_SCMR, protocol="ncacn_ip_tcp", dce=client))


{"manage": manage, "passwords": passwords, "refused": refused, "map": map}[part]()
