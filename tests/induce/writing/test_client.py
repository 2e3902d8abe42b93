"""The client against a real server in a process of its own, good and bad ones."""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.induce.meter import Meter
from kit.induce.writing import server as server_module
from kit.induce.writing.client import ServerWriter, estimate_tokens, plain_text
from kit.induce.writing.server import API_KEY, Server
from kit.induce.writing.settings import WritingConfig
from kit.induce.writing.writer import Ask, PromptTooLongError, Turn, WriterError, open_writer

MakeMeter = Callable[..., Meter]
TURNS = (Turn("system", "Be good."), Turn("user", "Task 74dd1130. Write."))


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "FIRST_PAUSE_S", 0.01)
    monkeypatch.delenv(API_KEY, raising=False)


def writer(url: str, model: str = "recorded", **more: object) -> ServerWriter:
    return ServerWriter(WritingConfig(server=url, served_model=model, **more))  # type: ignore[arg-type]


def ask(count: int = 1, turns: tuple[Turn, ...] = TURNS) -> Ask:
    return Ask(turns, count, seed=5, opening="```python\n")


def asked(url: str) -> Counter[str]:
    with urllib.request.urlopen(f"{url}/asked") as answer:
        return Counter(json.load(answer))


def test_texts_come_for_every_ask(server_url: str, meter: MakeMeter) -> None:
    other = (Turn("user", "Task b1948b0a. Write."),)
    got = list(writer(server_url).write([ask(19), ask(2, other)], meter()))
    assert Counter(index for index, _ in got) == {0: 19, 1: 2}
    assert all("np.where" in text or "shape" in text for index, text in got if index == 1)
    assert len({text for _, text in got}) > 5


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_urls_may_end_as_people_write_them(server_url: str, meter: MakeMeter, suffix: str) -> None:
    assert len(list(writer(server_url + suffix).write([ask()], meter(20)))) == 1


def test_the_first_listed_model_is_taken(server_url: str, meter: MakeMeter) -> None:
    before = asked(server_url)["recorded"]
    assert len(list(writer(server_url, "").write([ask()], meter(20)))) == 1
    assert asked(server_url)["recorded"] == before + 1


def test_plain_completions_continue_the_opened_block(server_url: str, meter: MakeMeter) -> None:
    got = writer(server_url, endpoint="completions").write([ask(2)], meter(20))
    for _, text in got:
        assert text.startswith("```python\n") and text.count("```python") == 1


def test_plain_text_has_no_marker_of_a_chat() -> None:
    text = plain_text(ask())
    assert text.startswith("Be good.") and text.endswith("\nAssistant:\n```python\n")
    assert "{" not in text and "<|" not in text


def test_a_server_that_writes_one_at_a_time_is_asked_again(
    server_url: str, meter: MakeMeter
) -> None:
    assert len(list(writer(server_url, "one").write([ask(5)], meter(20)))) == 5
    assert asked(server_url)["one"] == 5


def test_what_passes_is_tried_again(server_url: str, meter: MakeMeter) -> None:
    assert len(list(writer(server_url, "busy").write([ask()], meter(20)))) == 1
    assert asked(server_url)["busy"] == 3


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("garbage", r"chat/completions: answers no JSON but b'<html>It works!</html>'"),
        ("nested", r"answers no JSON but b'\[\[\["),
        ("empty", "answers without any text"),
        ("broken", "HTTP 500: out of memory$"),
        ("hanging_up", "cannot be reached"),
        ("locked", f"HTTP 401: who are you\\?; put the key into the environment as {API_KEY}"),
        ("missing", r"HTTP 404: The model `missing` does not exist.; is it the right URL"),
        ("moved", "HTTP 307.*; give the URL it was moved to"),
        ("flooding", "an answer of more than [0-9]+ bytes"),
    ],
)
def test_faults_are_named(server_url: str, meter: MakeMeter, model: str, message: str) -> None:
    with pytest.raises(WriterError, match=message) as caught:
        list(writer(server_url, model).write([ask()], meter(20)))
    assert "http://127.0.0.1" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_choices_of_a_wrong_form_are_no_texts(server_url: str, meter: MakeMeter) -> None:
    assert {text for _, text in writer(server_url, "odd").write([ask(3)], meter(20))} == {""}


def test_what_will_not_change_is_not_tried_again(server_url: str, meter: MakeMeter) -> None:
    before = asked(server_url)["missing"]
    with pytest.raises(WriterError):
        list(writer(server_url, "missing").write([ask()], meter(20)))
    assert asked(server_url)["missing"] == before + 1


def test_a_prompt_that_is_too_long_is_told_apart(server_url: str, meter: MakeMeter) -> None:
    long = (Turn("user", "x" * 2000),)
    with pytest.raises(PromptTooLongError, match="maximum context length is 99"):
        list(writer(server_url, "small").write([ask(1, long)], meter(20)))


@pytest.mark.parametrize("model", ["silent", "dripping", "trickling"])
def test_the_deadline_holds_whatever_the_server_does(
    server_url: str, meter: MakeMeter, model: str
) -> None:
    began_s = time.monotonic()
    got: list[tuple[int, str]] = []
    try:
        got += writer(server_url, model).write([ask(20)], meter(0.5))
    except WriterError as error:
        assert "did not answer in time" in str(error)
    assert not got
    assert time.monotonic() - began_s < 3


def test_listing_models_keeps_the_deadline_too(meter: MakeMeter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        began_s = time.monotonic()
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(WriterError, match="/v1/models: did not answer in time"):
            list(writer(url, "").write([ask()], meter(0.4)))
        assert time.monotonic() - began_s < 3


def test_a_server_that_is_not_there_is_named(meter: MakeMeter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(WriterError, match=f"127.0.0.1:{port}/v1.*cannot be reached"):
        list(writer(f"http://127.0.0.1:{port}").write([ask()], meter(20)))


def test_a_name_that_nobody_knows_is_named(meter: MakeMeter) -> None:
    with pytest.raises(WriterError, match=r"no-such-host.invalid.*(cannot be reached|in time)"):
        list(writer("http://no-such-host.invalid").write([ask()], meter(5)))


def test_no_time_no_request(server_url: str, meter: MakeMeter) -> None:
    assert list(writer(server_url).write([ask()], meter(-1))) == []


def test_the_key_goes_along(
    server_url: str, meter: MakeMeter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(API_KEY, "sesame")
    assert len(list(writer(server_url, "locked").write([ask()], meter(20)))) == 1


def test_a_bad_key_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(API_KEY, "very\nsecret")
    with pytest.raises(WriterError, match=f"{API_KEY} holds characters") as caught:
        writer("http://127.0.0.1:1")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://", "http://a b", "http://x:99999", "http://h\u00e9"])
def test_a_bad_url_is_refused(url: str) -> None:
    with pytest.raises(WriterError, match="not the URL of a server"):
        Server(url)


@pytest.mark.parametrize("url", ["http://me:pass@x", "http://x/?key=pass", "http://x/#pass"])
def test_a_url_with_a_key_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(WriterError, match="holds no key, query or fragment") as caught:
        Server(url)
    assert "pass" not in str(caught.value)


def test_seeds_differ_between_requests(server_url: str, meter: MakeMeter) -> None:
    seeds = []
    for seed in (1, 1, 2):
        list(writer(server_url).write([Ask(TURNS, 1, seed)], meter(20)))
        seeds.append(asked(server_url)["seed"])
    assert seeds[0] == seeds[1] != seeds[2]
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_fits_counts_rather_too_much(server_url: str) -> None:
    opened = writer(server_url, max_tokens=100, context_tokens=400)
    assert opened.fits([Turn("user", "Black Red\n" * 70)])
    assert not opened.fits([Turn("user", "Black Red\n" * 90)])
    assert estimate_tokens("0 1 2\n") == 7
    assert estimate_tokens("") == 0


def test_the_options_choose_the_writer(server_url: str) -> None:
    assert isinstance(open_writer(WritingConfig(server=server_url), 1, "cpu"), ServerWriter)
    with pytest.raises(WriterError, match="nobody is named to write programs"):
        open_writer(WritingConfig(), 1, "cpu")


def test_bad_texts_are_known_before_any_task(server_url: str, tmp_path: Path) -> None:
    path = tmp_path / "texts.json"
    path.write_text("[]")
    with pytest.raises(ValueError, match="must hold a JSON object"):
        open_writer(WritingConfig(server=server_url, texts=path), 1, "cpu")
    with pytest.raises(FileNotFoundError):
        open_writer(WritingConfig(server=server_url, texts=tmp_path / "none"), 1, "cpu")
