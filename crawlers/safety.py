"""Where the crawler may connect to: public addresses, and what an administrator lists. Pure decisions.

The guards that enforce them stand in `crawlers/guards.py`; each of them alone is enough.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.errors import ConfigError, Fault
from crawlers.sources import Source, is_literal, origin_of

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
#: Special purposes (IANA) that Python 3.11 takes for public, and tunnels that carry a private address inside.
_SPECIAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "64:ff9b:1::/48",
        "2001::/23",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
    )
)
#: RFC 6052: an IPv4 address in the last four bytes, routed to it by a translator.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def parse_networks(text: str) -> tuple[Network, ...]:
    """Read CAIFENG_ALLOWED_NETWORKS: addresses or CIDR, comma-separated. Raises ConfigError naming all faults."""
    networks: list[Network] = []
    faults: list[Fault] = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        try:
            networks.append(ipaddress.ip_network(part))
        except ValueError as error:
            faults.append(Fault(file="CAIFENG_ALLOWED_NETWORKS", line=None, reason=str(error)))
    if faults:
        raise ConfigError(faults)
    return tuple(networks)


def address_refusal(text: str, networks: tuple[Network, ...]) -> str:
    """Why nobody may connect to an address; empty when it is public or listed."""
    try:
        address = _unwrapped(ipaddress.ip_address(text.split("%", 1)[0]))
    except ValueError:
        return f"not an address: {text[:60]}"
    if any(address in network for network in networks):
        return ""
    if not address.is_global or address.is_multicast or any(address in network for network in _SPECIAL):
        return f"{address} is not a public address and not in CAIFENG_ALLOWED_NETWORKS"
    return ""


def _unwrapped(address: Address) -> Address:
    """The IPv4 address an IPv6 one stands for: mapped or NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


@dataclass(frozen=True, slots=True, kw_only=True)
class Borders:
    """What one installation allows."""

    networks: tuple[Network, ...]
    #: Hosts that may lie in `networks`; every other name has to be public, so rebinding gains nothing.
    internal_hosts: frozenset[str]

    def refusal(self, host: str, address: str) -> str:
        """Why `host` may not be reached at `address`; empty when it may."""
        return address_refusal(address, self.networks if host.lower() in self.internal_hosts else ())


def borders(sources: tuple[Source, ...], networks: tuple[Network, ...]) -> Borders:
    """Internal are the hosts of sources that say `intranet`, literal addresses and localhost."""
    hosts = {
        host
        for source in sources
        for host, _ in source.origins
        if source.intranet or is_literal(host) or host == "localhost"
    }
    return Borders(networks=networks, internal_hosts=frozenset(hosts))


def url_refusal(url: str, source: Source) -> str:
    """Why a source may not ask for a URL; empty when it may. Redirects and meta refresh come here too.

    1. http and https only, no user name before the host.
    2. The host is one of the source's own, or below `allowed_domains`.
    3. The port is 80, 443 or the one the source itself uses on that host.
    """
    origin = origin_of(url)
    if origin is None:
        return f"不是 http(s) 网址：{url[:120]}"
    if "@" in urlsplit(url).netloc:
        return f"网址里带有用户名：{origin[0]}"
    if origin in source.origins:
        return ""
    host, port = origin
    if is_literal(host) or not any(host == domain or host.endswith(f".{domain}") for domain in _domains(source)):
        return f"不在本信源的域名之内：{host}:{port}"
    if port not in {80, 443, *(own for _, own in source.origins)}:
        return f"端口 {port} 不在允许之列"
    return ""


def _domains(source: Source) -> set[str]:
    own = {host.removeprefix("www.") for host, _ in source.origins if not is_literal(host) and "." in host}
    return own | set(source.allowed_domains)
