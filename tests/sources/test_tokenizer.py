"""Our tokenizer says what transformers' own says of the same files: ids, offsets, text, chats."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from astrarium.core.errors import CorruptFileError, SourceError, TextError
from astrarium.sources import open_base
from astrarium.sources.tokenizer import Tokenizer
from tests.vocabularies import small_tokenizer

CHAT = (
    "{{ bos_token }}{% for message in messages %}\n"
    "  {% if message['role'] == 'tool' %}{% continue %}{% endif %}\n"
    "  {%- if loop.index > 9 %}{% break %}{% endif %}\n"
    "<{{ message['role'] }}>{% generation %}{{ message.content | tojson }}{% endgeneration %}{{ eos_token }}\n"
    "{% endfor %}{% set n = namespace(x=dict(a=1)) %}{{ n.x.a }}{% if tools is none %}-{% endif %}\n"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
TURNS = [{"role": "user", "content": "<b>é & 'x'</b>"}, {"role": "tool", "content": "t"}]
PIECES = st.sampled_from(
    [
        "<|endoftext|>",
        "<fim_middle>",
        "<|im_start|>",
        "def f(x):\n",
        "    ",
        "\t",
        "\r\n",
        " '",
        "ab",
        "1234",
        "é",
        "<|",
    ]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.one_of(PIECES, st.text(max_size=5)), max_size=12).map("".join))
ROLES = ("bos_token", "eos_token", "pad_token", "unk_token")


def same(ours: Tokenizer, theirs: Any, text: str) -> None:
    """Everything both say of a text."""
    for adds in (True, False):
        call = theirs(text, add_special_tokens=adds, return_offsets_mapping=True, return_special_tokens_mask=True)
        encoding = ours.encodings([text], add_special_tokens=adds)[0]
        assert ours.encode(text, add_special_tokens=adds) == encoding.ids == call["input_ids"]
        assert encoding.offsets == call["offset_mapping"]
        assert encoding.special_tokens_mask == call["special_tokens_mask"]
        assert encoding.word_ids == call.word_ids()
        split = theirs(text, add_special_tokens=adds, split_special_tokens=True)["input_ids"]
        assert ours.encode(text, add_special_tokens=adds, split_special_tokens=True) == split
    ids = ours.encode(text)
    for skips in (True, False):
        assert ours.decode(ids, skip_special_tokens=skips) == theirs.decode(ids, skip_special_tokens=skips)


def same_tables(ours: Tokenizer, theirs: Any) -> None:
    """Everything both say of themselves."""
    assert len(ours) == len(theirs)
    assert ours.get_vocab() == theirs.get_vocab()
    assert ours.special_tokens == theirs.special_tokens_map
    assert ours.special_ids == set(theirs.all_special_ids)
    for role in ROLES:
        assert getattr(ours, role) == getattr(theirs, role)
        assert getattr(ours, f"{role}_id") == getattr(theirs, f"{role}_id")
    assert ours.padding_side == theirs.padding_side


def in_folder(folder: Path, theirs: Any, model_type: str = "gpt_bigcode", **changes: Any) -> Path:
    """A folder that transformers saved, with its settings changed."""
    theirs.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    write(folder / "tokenizer_config.json", {**read(folder / "tokenizer_config.json"), **changes})
    return folder


def opened(folder: Path) -> Tokenizer:
    return open_base(str(folder)).tokenizer()


def read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def word_pieces() -> PreTrainedTokenizerFast:
    """Words, an unknown token, a normaliser, tokens at both ends, and spaces to clean up."""
    words = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "hello", "world", "##s", ".", "!", "'", "m", "i", "def"]
    backend = Backend(models.WordPiece({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(cleanup=False)
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]",
        clean_up_tokenization_spaces=True, padding_side="left",
    )  # fmt: skip


def metaspace() -> PreTrainedTokenizerFast:
    """Llama 2's kind: a space before all text, bytes for what is unknown, bos at the beginning."""
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "a", "b", "▁a", "ab"]
    backend = Backend(
        models.BPE(
            {piece: at for at, piece in enumerate(pieces)}, [("▁", "a"), ("a", "b")],
            unk_token="<unk>", byte_fallback=True, fuse_unk=True,
        )
    )  # fmt: skip
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


MADE = {
    "starcoder": lambda: small_tokenizer(chat_template=CHAT),
    "extra": lambda: small_tokenizer(extra_special_tokens=["<fim_prefix>", "ab"], sep_token="<new>"),
    "words": word_pieces,
    "metaspace": metaspace,
}


@pytest.fixture(scope="module", params=MADE)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tokenizer, Any]:
    folder = in_folder(tmp_path_factory.mktemp("made"), MADE[request.param]())
    return opened(folder), AutoTokenizer.from_pretrained(folder)


@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_any_text(pair: tuple[Tokenizer, Any], text: str) -> None:
    same(*pair, text)


def test_tables_and_a_padded_batch(pair: tuple[Tokenizer, Any]) -> None:
    ours, theirs = pair
    same_tables(ours, theirs)
    texts = ["hello world's i'm !", "a"]
    if theirs.pad_token is None:
        with pytest.raises(TextError, match="no padding token"):
            ours.encodings(texts)
        return
    batch = theirs(texts, padding=True)
    assert [encoding.ids for encoding in ours.encodings(texts)] == batch["input_ids"]
    assert [encoding.attention_mask for encoding in ours.encodings(texts)] == batch["attention_mask"]


def test_what_is_saved_is_read_back(pair: tuple[Tokenizer, Any], tmp_path: Path) -> None:
    ours, theirs = pair
    ours.save(tmp_path)
    write(tmp_path / "config.json", {"model_type": "gpt_bigcode"})
    for again in (opened(tmp_path), ours):
        same_tables(again, AutoTokenizer.from_pretrained(tmp_path))
        same_tables(again, theirs)
        same(again, AutoTokenizer.from_pretrained(tmp_path), "def f(x): i'm <fim_middle>ab world .")
    assert opened(tmp_path).chat_template == theirs.chat_template


@pytest.fixture(scope="module")
def default() -> tuple[Tokenizer, Any]:
    source = open_base("default")
    ours = source.tokenizer()
    backend = Backend.from_str(ours._backend.to_str())
    return ours, PreTrainedTokenizerFast(
        tokenizer_object=backend, chat_template=ours.chat_template, **ours.special_tokens
    )


@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_any_text_with_the_default(default: tuple[Tokenizer, Any], text: str) -> None:
    same(*default, text)


@settings(max_examples=20, deadline=None)
@given(text=TEXTS, prompt=st.booleans())
def test_a_chat_with_the_default(default: tuple[Tokenizer, Any], text: str, prompt: bool) -> None:
    ours, theirs = default
    turns = [{"role": "system", "content": "S", "name": None}, {"role": "user", "content": text}]
    expected = theirs.apply_chat_template(turns, tokenize=False, add_generation_prompt=prompt)
    assert ours.apply_chat_template(turns, add_generation_prompt=prompt) == expected


def test_the_default_imports_neither_transformers_nor_torch() -> None:
    script = (
        "import sys\nfrom astrarium.sources import open_base\nids = open_base('default').tokenizer().encode('x')\n"
        "assert ids\nprint(sorted({'torch', 'transformers', 'jinja2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_default_opens_faster_than_with_transformers() -> None:
    path = open_base("default").path
    begin = time.perf_counter()
    AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    theirs = time.perf_counter() - begin
    begin = time.perf_counter()
    open_base("default").tokenizer()
    assert time.perf_counter() - begin < theirs


@pytest.mark.parametrize("prompt", [True, False])
def test_every_part_of_a_chat_template(prompt: bool) -> None:
    theirs = small_tokenizer(chat_template=CHAT)
    ours = Tokenizer(theirs.backend_tokenizer, special_tokens=theirs.special_tokens_map, chat_template=CHAT)
    expected = theirs.apply_chat_template(TURNS, tokenize=False, add_generation_prompt=prompt)
    assert ours.apply_chat_template(TURNS, add_generation_prompt=prompt) == expected


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ raise_exception('no system\nturns') }}", "refuses the conversation: no system turns"),
        ("{% if %}", "refuses the conversation: Expected an expression"),
        ("{{ 1 / 0 }}", "cannot be rendered: division by zero"),
        ("{{ messages.__class__ }}{{ messages.__class__.mro() }}", "'__class__' of 'list' object is unsafe"),
        ("{% set n = namespace(__class__=1) %}", "cannot set '__class__' on a namespace"),
        ("{{ messages.append(1) }}", "access to attribute 'append' of 'list' object is unsafe; take astraios or plain"),
    ],
)
def test_a_template_that_fails_is_one_line(template: str, message: str) -> None:
    ours = Tokenizer(small_tokenizer().backend_tokenizer, chat_template=template)
    with pytest.raises(TextError) as caught:
        ours.apply_chat_template(TURNS)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_date_in_a_template() -> None:
    ours = Tokenizer(small_tokenizer().backend_tokenizer, chat_template="{{ strftime_now('%Y') }}")
    assert ours.apply_chat_template(TURNS).startswith("20")


NAMED = [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"chat_template.jinja": "J", "tokenizer_config.json": {"chat_template": "C"}}, "J"),
        ({"tokenizer_config.json": {"chat_template": "C"}, "chat_template.json": {"chat_template": "F"}}, "C"),
        ({"tokenizer_config.json": {"chat_template": NAMED}}, "D"),
        ({"tokenizer_config.json": {"chat_template": NAMED[:1]}}, None),
        ({"chat_template.json": {"chat_template": "F"}}, "F"),
        ({"chat_template.json": {"chat_template": NAMED}}, "D"),
        ({}, None),
    ],
)
def test_where_a_chat_template_stands(files: dict[str, Any], expected: str | None, tmp_path: Path) -> None:
    in_folder(tmp_path, small_tokenizer())
    for name, content in files.items():
        if isinstance(content, dict):
            old = read(tmp_path / name) if (tmp_path / name).exists() else {}
            write(tmp_path / name, {**old, **content})
        else:
            (tmp_path / name).write_text(content)
    assert opened(tmp_path).chat_template == expected


def test_an_older_folder_s_map_and_added_tokens(tmp_path: Path) -> None:
    in_folder(tmp_path, small_tokenizer())
    write(tmp_path / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<x>"})
    strips = {"content": "<mask>", "lstrip": True, "rstrip": False, "normalized": False, "single_word": False}
    write(
        tmp_path / "special_tokens_map.json",
        {"bos_token": "<|endoftext|>", "mask_token": strips, "additional_special_tokens": ["<extra>", "<fim_pad>"]},
    )
    size = len(small_tokenizer())
    write(tmp_path / "added_tokens.json", {"<b>": size + 1, "<a>": size, "<fim_pad>": 4})
    theirs, ours = AutoTokenizer.from_pretrained(tmp_path), opened(tmp_path)
    same_tables(ours, theirs)
    same(ours, theirs, "a <mask> b <extra>c<x><a><b>")


def test_an_added_tokens_decoder_and_tokens_of_the_model_alone(tmp_path: Path) -> None:
    in_folder(tmp_path, small_tokenizer())
    size = len(small_tokenizer())
    token = {"lstrip": False, "rstrip": True, "normalized": False, "single_word": False}
    write(
        tmp_path / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "added_tokens_decoder": {
                str(size): {"content": "<call>", "special": False, **token},
                "0": {"content": "<|endoftext|>", "special": True, **token},
            },
            "image_token": "<image>",
            "bos_token": {"__type": "AddedToken", "content": "<|endoftext|>", "special": True, **token},
            "extra_special_tokens": {"box_token": "<box>"},
        },
    )
    theirs, ours = AutoTokenizer.from_pretrained(tmp_path), opened(tmp_path)
    same_tables(ours, theirs)
    same(ours, theirs, "a <call>  b <image><box>c<|endoftext|>  d")


@pytest.mark.parametrize("adds", [{}, {"add_bos_token": True}, {"add_bos_token": True, "add_eos_token": True}])
@pytest.mark.parametrize("whole", [True, False])
def test_bos_and_eos_are_added_where_transformers_adds_them(adds: dict[str, bool], whole: bool, tmp_path: Path) -> None:
    # Where there is a tokenizer.json transformers 5 leaves both to that file; GPT-2's two files alone obey.
    folder = gpt2_folder(tmp_path, whole=whole)
    write(folder / "tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer", **adds})
    theirs, ours = AutoTokenizer.from_pretrained(folder), opened(folder)
    same_tables(ours, theirs)
    same(ours, theirs, "def area(r):\n  return 3.14<|endoftext|>")


@settings(max_examples=30, deadline=None)
@given(text=TEXTS)
def test_any_text_with_two_files_of_gpt2(two_files: tuple[Tokenizer, Any], text: str) -> None:
    same(*two_files, text)


@pytest.fixture(scope="module")
def two_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tokenizer, Any]:
    folder = gpt2_folder(tmp_path_factory.mktemp("gpt2"), whole=False)
    return opened(folder), AutoTokenizer.from_pretrained(folder)


def test_tokenizer_json_is_taken_as_it_stands(tmp_path: Path) -> None:
    theirs = small_tokenizer()
    theirs.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    in_folder(tmp_path, theirs, "starcoder2", tokenizer_class="GPT2Tokenizer")
    text = "def f(x):\n        7"
    assert opened(tmp_path).encode(text) == Backend.from_file(str(tmp_path / "tokenizer.json")).encode(text).ids
    assert opened(tmp_path).encode(text) == theirs(text)["input_ids"]
    assert opened(tmp_path).encode(text) != AutoTokenizer.from_pretrained(tmp_path)(text)["input_ids"]


def test_another_kind_of_two_files_is_converted_by_transformers(tmp_path: Path) -> None:
    folder = gpt2_folder(tmp_path, whole=False, model_type="qwen2")
    source = open_base(str(folder))
    ours, theirs = source.tokenizer(), AutoTokenizer.from_pretrained(folder)
    source.tokenizer()
    assert [note for note in source.notes if "which is slower" in note] == source.notes
    assert len(source.notes) == 1
    same_tables(ours, theirs)
    same(ours, theirs, "def f(x): return 12 é")


@pytest.mark.parametrize(
    ("file", "content", "kind", "message"),
    [
        ("tokenizer.json", "{", CorruptFileError, "no tokenizer that can be read: EOF"),
        ("tokenizer.json", '{"model": {"type": "X"}}', CorruptFileError, "no tokenizer that can be read"),
        ("tokenizer.json", None, SourceError, "no tokenizer that can be read"),
        ("tokenizer_config.json", "{", CorruptFileError, "tokenizer_config.json is no JSON"),
        ("tokenizer_config.json", '{"bos_token": 3}', CorruptFileError, "a special token is 3; expected text"),
        ("tokenizer_config.json", '{"padding_side": "up"}', CorruptFileError, "padding_side is 'up'"),
        ("tokenizer_config.json", '{"chat_template": 3}', CorruptFileError, "chat_template is '3'; expected text"),
        ("tokenizer_config.json", '{"chat_template": [3]}', CorruptFileError, "no tokenizer that can be read"),
        ("tokenizer_config.json", '{"added_tokens_decoder": {"a": 1}}', CorruptFileError, "no tokenizer that can"),
        ("special_tokens_map.json", "[]", CorruptFileError, "holds a list; expected an object"),
    ],
)
def test_broken_files(file: str, content: str | None, kind: type, message: str, tmp_path: Path) -> None:
    in_folder(tmp_path, small_tokenizer())
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_text(content)
    with pytest.raises(kind) as caught:
        opened(tmp_path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_half_a_surrogate_pair() -> None:
    with pytest.raises(TextError, match=r"'a\\ud800' is no Unicode text"):
        Tokenizer(small_tokenizer().backend_tokenizer).encode("a\ud800")


def gpt2_folder(folder: Path, *, whole: bool, model_type: str = "gpt2") -> Path:
    """A folder like GPT-2's own: `vocab.json` and `merges.txt`, and `tokenizer.json` where it is whole."""
    theirs = small_tokenizer()
    theirs.backend_tokenizer.model.save(str(folder))
    if whole:
        theirs.backend_tokenizer.save(str(folder / "tokenizer.json"))
    write(folder / "config.json", {"model_type": model_type})
    return folder
