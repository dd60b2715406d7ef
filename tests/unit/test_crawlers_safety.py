from __future__ import annotations

import pytest

from core.errors import ConfigError
from crawlers.safety import address_refusal, borders, parse_networks, url_refusal
from crawlers.scrapy_settings import scrapy_settings
from tests.fixtures.collect import a_source

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.8",
    "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "203.0.113.9", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "fe80::1", "fe80::1%eth0", "fc00::1", "fd00::1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:c0a8:101::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:db8::1", "not an address", "",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert address_refusal(address, ())


@pytest.mark.parametrize("address", ["1.1.1.1", "223.5.5.5", "2400:3200::1", "::ffff:223.5.5.5", "64:ff9b::df05:505"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert address_refusal(address, ()) == ""


def test_what_an_administrator_lists_is_allowed_and_nothing_beside_it() -> None:
    networks = parse_networks("10.8.0.0/16, 127.0.0.1,fd00:1::/32")

    assert [address_refusal(one, networks) == "" for one in ("10.8.3.4", "127.0.0.1", "fd00:1::9", "10.9.0.1", "127.0.0.2")] == [
        True, True, True, False, False
    ]  # fmt: skip


def test_every_wrong_network_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_networks("10.0.0.1/8,nonsense")

    assert len(caught.value.faults) == 2


def test_a_public_name_that_turns_inward_gains_nothing_by_the_list() -> None:
    public, inner = a_source(), a_source(id="rss", url="http://rsshub.lan:1200/", intranet=True)

    found = borders((public, inner), parse_networks("10.0.0.0/8"))

    assert found.refusal("www.example.gov.cn", "10.0.0.5")
    assert found.refusal("rsshub.lan", "10.0.0.5") == ""
    assert found.refusal("rsshub.lan", "127.0.0.1")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://www.example.gov.cn/a", True),
        ("http://www.example.gov.cn/a", True),
        ("https://static.example.gov.cn/a", True),
        ("https://mp.weixin.qq.com/s", True),
        ("https://evil.cn/", False),
        ("https://www.example.gov.cn.evil.cn/", False),
        ("https://notexample.gov.cn/", False),
        ("https://www.example.gov.cn@evil.cn/", False),
        ("https://user@www.example.gov.cn/", False),
        ("https://www.example.gov.cn:22/", False),
        ("http://127.0.0.1/", False),
        ("file:///etc/passwd", False),
        ("ftp://www.example.gov.cn/", False),
        ("data:text/html,x", False),
        ("https://[::1", False),
    ],
)
def test_a_source_asks_for_its_own_addresses_only(url: str, allowed: bool) -> None:
    source = a_source(allowed_domains=["weixin.qq.com"])

    assert (url_refusal(url, source) == "") is allowed


def test_a_source_on_an_address_stays_on_its_port() -> None:
    source = a_source(url="http://127.0.0.1:8000/list")

    assert url_refusal("http://127.0.0.1:8000/x", source) == ""
    assert url_refusal("http://127.0.0.1:5432/", source)
    assert url_refusal("http://127.0.0.1/", source)


def test_nothing_of_scrapy_opens_a_door() -> None:
    settings = scrapy_settings("Caifeng", verify_tls=True)

    assert settings.get_component_priority_dict_with_base("EXTENSIONS") == {}


def test_a_crawl_cannot_change_the_settings_of_the_next() -> None:
    settings = scrapy_settings("Caifeng", verify_tls=True)

    settings.copy().freeze()

    assert not settings.frozen
