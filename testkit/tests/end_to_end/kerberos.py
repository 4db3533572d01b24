"""What impacket does with a ticket of a cache: kerberos.py PORT USER. Prints what came of it."""

import sys

from impacket.dcerpc.v5 import rpcrt, scmr, transport

port, user = sys.argv[1:3]

way = transport.DCERPCTransportFactory("ncacn_ip_tcp:localhost[%s]" % port)
way.set_credentials(user, "", "SHOP.EXAMPLE")
way.set_kerberos(True, None)
client = way.get_dce_rpc()
client.set_auth_type(rpcrt.RPC_C_AUTHN_GSS_NEGOTIATE)
client.set_auth_level(rpcrt.RPC_C_AUTHN_LEVEL_PKT_PRIVACY)
try:
    client.connect()
    client.bind(scmr.MSRPC_UUID_SCMR)
    manager = scmr.hROpenSCManagerW(client)["lpScHandle"]
    service = scmr.hRCreateServiceW(client, manager, "web\0", "x" * 200 + "\0", lpBinaryPathName="/bin/true\0")["lpServiceHandle"]
    path = scmr.hRQueryServiceConfigW(client, service)["lpServiceConfig"]["lpBinaryPathName"]
    scmr.hRDeleteService(client, service)
    print("managed", path.rstrip("\0"))
except Exception as error:
    print("refused", error)
