"""impacket as the other side of a sealed connection.

call PORT USER PASSWORD      opens the service control manager and a service over TCP with NTLM and packet privacy, and prints what came of it
map PORT                     asks the endpoint mapper at this port for the service control manager and for an interface that isn't there
check PASSWORD               reads hexadecimal lines: challenge, authenticate, sealed text, signature; prints what impacket makes of them
"""

import sys

from impacket import ntlm
from impacket.dcerpc.v5 import epm, samr, scmr, transport
from impacket.dcerpc.v5.rpcrt import RPC_C_AUTHN_LEVEL_PKT_PRIVACY, RPC_C_AUTHN_WINNT
from Cryptodome.Cipher import ARC4


def call(port, user, password):
    rpc = transport.DCERPCTransportFactory("ncacn_ip_tcp:127.0.0.1[%s]" % port)
    rpc.set_credentials(user, password)
    dce = rpc.get_dce_rpc()
    dce.set_auth_type(RPC_C_AUTHN_WINNT)
    dce.set_auth_level(RPC_C_AUTHN_LEVEL_PKT_PRIVACY)
    dce.connect()
    try:
        dce.bind(scmr.MSRPC_UUID_SCMR)
        manager = scmr.hROpenSCManagerW(dce)["lpScHandle"]
        service = scmr.hROpenServiceW(dce, manager, "web\0")["lpServiceHandle"]
        for _ in range(3):
            print(scmr.hRQueryServiceStatus(dce, service)["lpServiceStatus"]["dwCurrentState"])
        # Fragments both ways.
        dce.set_max_fragment_size(100)
        scmr.hRStartServiceW(dce, service, 2, ["one\0", "x" * 3000 + "\0"])
        print("done")
    except Exception as error:
        print(error)
    dce.disconnect()


def map(port):
    for interface in scmr.MSRPC_UUID_SCMR, samr.MSRPC_UUID_SAMR:
        dce = transport.DCERPCTransportFactory("ncacn_ip_tcp:127.0.0.1[%s]" % port).get_dce_rpc()
        dce.connect()
        try:
            print(epm.hept_map("127.0.0.1", interface, protocol="ncacn_ip_tcp", dce=dce))
        except Exception as error:
            print(error)
        dce.disconnect()


def check(password):
    challenge, authenticate, sealed, signature = [bytes.fromhex(line) for line in sys.stdin.read().split()]
    challenge = ntlm.NTLMAuthChallenge(challenge)
    response = ntlm.NTLMAuthChallengeResponse()
    response.fromString(authenticate)
    user, domain = [response[name].decode("utf-16le") for name in ("user_name", "domain_name")]
    proof, blob = response["ntlm"][:16], response["ntlm"][16:]
    key = ntlm.NTOWFv2(user, password, domain)
    print(user, domain, ntlm.hmac_md5(key, challenge["challenge"] + blob) == proof)
    session = ARC4.new(ntlm.hmac_md5(key, proof)).encrypt(response["session_key"])
    flags = response["flags"]
    handle = ARC4.new(ntlm.SEALKEY(flags, session)).encrypt
    plain = handle(sealed)
    print(plain.decode(), ntlm.MAC(flags, handle, ntlm.SIGNKEY(flags, session), 0, plain).getData() == signature)


if __name__ == "__main__":
    {"call": call, "check": check, "map": map}[sys.argv[1]](*sys.argv[2:])
