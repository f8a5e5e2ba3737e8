"""The endpoints about toxics: answers to good requests, and what they change."""

import json

import pytest

from tests.toxiproxy.conformance.server_process import Api

pytestmark = pytest.mark.wall_clock

ATTRIBUTES = {
    "bandwidth": '{"rate":0}',
    "latency": '{"latency":0,"jitter":0}',
    "limit_data": '{"bytes":0}',
    "noop": "{}",
    "reset_peer": '{"timeout":0}',
    "slicer": '{"average_size":0,"size_variation":0,"delay":0}',
    "slow_close": '{"delay":0}',
    "timeout": '{"timeout":0}',
}


@pytest.fixture
def toxics(api: Api) -> str:
    """The path of the toxics of a proxy."""
    api.must("POST", "/proxies", {"name": "p", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"})
    return "/proxies/p/toxics"


@pytest.mark.parametrize("kind", sorted(ATTRIBUTES))
def test_defaults_of_each_kind(api: Api, toxics: str, kind: str) -> None:
    """Name, stream, toxicity and attributes have defaults; the answer is 200, not 201."""
    answer = api.call("POST", toxics, {"type": kind})
    expected = (
        f'{{"attributes":{ATTRIBUTES[kind]},"name":"{kind}_downstream","type":"{kind}",'
        f'"stream":"downstream","toxicity":1}}'
    )
    assert (answer.status, answer.text, answer.content_type) == (200, expected, "application/json")
    assert api.call("GET", f"{toxics}/{kind}_downstream").text == expected
    assert api.call("GET", toxics).text == f"[{expected}]"


def test_attributes_are_read(api: Api, toxics: str) -> None:
    """Given attributes are kept, others are 0, unknown ones are ignored, keys match without case."""
    body = {"name": "n", "type": "slicer", "attributes": {"AVERAGE_SIZE": 64, "delay": 10, "color": "red"}}
    shown = api.must("POST", toxics, body)
    assert shown["attributes"] == {"average_size": 64, "size_variation": 0, "delay": 10}
    assert shown["name"] == "n"


def test_stream_is_kept_as_written(api: Api, toxics: str) -> None:
    """A stream is recognised in any case; the default name uses it as it was written."""
    shown = api.must("POST", toxics, {"type": "noop", "stream": "UpStream"})
    assert (shown["stream"], shown["name"]) == ("UpStream", "noop_UpStream")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("0.1", "0.1"),
        ("1", "1"),
        ("0", "0"),
        ("0.333333333333", "0.33333334"),
        ("1e-9", "1e-9"),
        ("123456789", "123456790"),
    ],
)
def test_toxicity_has_32_bits(api: Api, toxics: str, given: str, shown: str) -> None:
    """The toxicity is shown with the digits that a 32-bit number has."""
    answer = api.call("POST", toxics, f'{{"type":"noop","toxicity":{given}}}')
    assert answer.text.endswith(f'"toxicity":{shown}}}')


def test_listed_upstream_first_then_by_age(api: Api, toxics: str) -> None:
    """The list follows the chains."""
    for name, stream in (("d1", "downstream"), ("u1", "upstream"), ("d2", "downstream"), ("u2", "upstream")):
        api.must("POST", toxics, {"name": name, "type": "noop", "stream": stream})
    assert [toxic["name"] for toxic in api.must("GET", toxics)] == ["u1", "u2", "d1", "d2"]
    assert api.must("GET", "/proxies/p")["toxics"] == api.must("GET", toxics)


def test_name_is_unique_over_both_streams(api: Api, toxics: str) -> None:
    """A second toxic of the same name conflicts."""
    api.must("POST", toxics, {"name": "n", "type": "noop"})
    answer = api.call("POST", toxics, {"name": "n", "type": "latency", "stream": "upstream"})
    assert (answer.status, answer.text) == (409, '{"error":"toxic already exists","status":409}\n')


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_update_changes_what_it_names(api: Api, toxics: str, method: str) -> None:
    """Other attributes and the toxicity stay; name, type and stream cannot change."""
    api.must("POST", toxics, {"type": "latency", "toxicity": 0.5, "attributes": {"latency": 7, "jitter": 3}})
    path = f"{toxics}/latency_downstream"
    body = {"name": "x", "type": "noop", "stream": "upstream", "attributes": {"jitter": 9}}
    shown = api.must(method, path, body)
    assert shown == {
        "attributes": {"latency": 7, "jitter": 9},
        "name": "latency_downstream",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 0.5,
    }
    assert api.must(method, path, {"toxicity": 1})["toxicity"] == 1
    assert api.must(method, path, {"attributes": None, "toxicity": None})["attributes"] == {"latency": 7, "jitter": 9}


def test_delete(api: Api, toxics: str) -> None:
    """A deleted toxic is gone, with nothing in the answer."""
    api.must("POST", toxics, {"type": "noop"})
    answer = api.call("DELETE", f"{toxics}/noop_downstream")
    assert (answer.status, answer.text) == (204, "")
    assert api.must("GET", toxics) == []
    assert api.call("DELETE", f"{toxics}/noop_downstream").status == 404


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "invalid toxic type"),
        ({"type": "fog"}, "invalid toxic type"),
        ({"type": "Latency"}, "invalid toxic type"),
        ({"type": "fog", "stream": "sideways"}, "stream was invalid, can be either upstream or downstream"),
        ({"type": "noop", "stream": ""}, "stream was invalid, can be either upstream or downstream"),
        ({"type": "latency", "attributes": {"latency": "1"}}, "bad request body: json: cannot unmarshal string"),
        ({"type": "latency", "attributes": {"latency": 1.5}}, "bad request body: json: cannot unmarshal number 1.5"),
        ({"type": "latency", "attributes": []}, "bad request body: json: cannot unmarshal array"),
        ({"type": "latency", "toxicity": "all"}, "bad request body: json: cannot unmarshal string"),
        ({"type": "latency", "toxicity": True}, "bad request body: json: cannot unmarshal bool"),
        ({"type": 5}, "bad request body: json: cannot unmarshal number"),
        ([], "bad request body: json: cannot unmarshal array"),
        ("", "bad request body: EOF"),
        ('{"type":', "bad request body: unexpected EOF"),
        ('{"type":"latency","toxicity":1e39}', "bad request body: json: cannot unmarshal number 1e39"),
        (
            '{"type":"latency","attributes":{"jitter":9223372036854775808}}',
            "bad request body: json: cannot unmarshal number 9223372036854775808",
        ),
    ],
)
def test_bad_toxics(api: Api, toxics: str, body: object, error: str) -> None:
    """A refused toxic is not added; Go's names of its own types are not compared."""
    answer = api.call("POST", toxics, body)
    assert answer.status == 400
    assert answer.text.endswith("\n")
    assert json.loads(answer.text)["error"].partition(" into Go ")[0] == error
    assert api.must("GET", toxics) == []


@pytest.mark.parametrize("body", ["", "[]", '{"toxicity":"x"}', '{"attributes":5}', '{"attributes":{"latency":"x"}}'])
def test_bad_updates_change_nothing(api: Api, toxics: str, body: str) -> None:
    """A refused update leaves the toxic as it was."""
    made = api.must("POST", toxics, {"type": "latency", "attributes": {"latency": 7}})
    answer = api.call("PATCH", f"{toxics}/latency_downstream", body)
    assert answer.status == 400
    assert answer.json["error"].startswith("bad request body: ")
    assert api.must("GET", f"{toxics}/latency_downstream") == made


@pytest.mark.parametrize("method", ["GET", "PATCH", "POST", "DELETE"])
def test_unknown_names(api: Api, toxics: str, method: str) -> None:
    """A missing proxy is told before a missing toxic, and both before a body that cannot be read."""
    body = "{" if method in ("PATCH", "POST") else None
    for path, error in ((f"{toxics}/x", "toxic not found"), ("/proxies/x/toxics/x", "proxy not found")):
        answer = api.call(method, path, body)
        assert (answer.status, answer.text) == (404, f'{{"error":"{error}","status":404}}\n')
