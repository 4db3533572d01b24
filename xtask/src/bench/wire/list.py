"""What `svc list` does, by impacket: HOST PORT USER FILE-WITH-PASSWORD."""

import sys

from impacket.dcerpc.v5 import scmr, transport
from impacket.dcerpc.v5.rpcrt import RPC_C_AUTHN_LEVEL_PKT_PRIVACY

host, port, user, secret = sys.argv[1:]
with open(secret, encoding="utf-8") as file:
    password = file.readline().rstrip("\n")
way = transport.DCERPCTransportFactory(f"ncacn_ip_tcp:{host}[{port}]")
way.set_credentials(user, password)
rpc = way.get_dce_rpc()
rpc.set_auth_level(RPC_C_AUTHN_LEVEL_PKT_PRIVACY)
rpc.connect()
rpc.bind(scmr.MSRPC_UUID_SCMR)
manager = scmr.hROpenSCManagerW(rpc)["lpScHandle"]
for service in scmr.hREnumServicesStatusW(rpc, manager):
    print(service["lpServiceName"], service["ServiceStatus"]["dwCurrentState"], service["lpDisplayName"])
