"""What the seventh unseen set showed: loaders, files that are written and read, mends within functions."""

from __future__ import annotations

import pytest

from astrarium.explain import read_text
from tests.explain.test_followed import HEAD, places, told

PADDED = """
from torch.utils.data import DataLoader

tok = AutoTokenizer.from_pretrained("gpt2", padding_side="left")
tok.pad_token = tok.eos_token
model = AutoModelForCausalLM.from_pretrained("gpt2")


{collate}


for batch in DataLoader(prompts, batch_size=8, collate_fn={name}):
    ids = batch["input_ids"]
    out = model.generate({asked}, max_new_tokens=8)
"""
FUNCTION = 'def collate(rows):\n    return tok(rows, padding=True, return_tensors="pt")'
CLASS = 'class Collate:\n    def __call__(self, rows):\n        return tok(rows, padding=True, return_tensors="pt")'


@pytest.mark.parametrize(
    ("collate", "name", "line"),
    [
        (FUNCTION, "collate", 15),
        (CLASS, "Collate()", 16),
        ("pass", 'lambda rows: tok(rows, padding=True, return_tensors="pt")', 14),
    ],
)
def test_a_loader_gives_what_its_collate_fn_makes(collate: str, name: str, line: int) -> None:
    assert places(PADDED.format(collate=collate, name=name, asked="input_ids=ids")) == [("no-attention-mask", line - 1)]
    assert places(PADDED.format(collate=collate, name=name, asked="**batch")) == []


LOADER = """
from torch.utils.data import DataLoader

model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2").cuda(), LoraConfig(r=8))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
for batch in DataLoader(data, batch_size=4):
    {moved}
    loss = model(**batch).loss
    loss.backward()
    optimizer.step()
model.save_pretrained("out")
"""


def test_the_move_of_a_loops_variable_is_told_and_no_assignment_is_made() -> None:
    moved = "for value in batch.values():\n        value.to('cuda')"
    reading = told(LOADER.format(moved=moved))
    assert [one.id for one in reading.findings] == ["to-unused"]
    assert not reading.findings[0].fixable
    assert "new dict" in reading.findings[0].mend
    assert places(LOADER.format(moved="batch = {key: value.to('cuda') for key, value in batch.items()}")) == []


SERVICE = """
state = {{}}


def build():
    base = AutoModelForCausalLM.from_pretrained("gpt2")
    tuned = PeftModel.from_pretrained(base, "adapter-lora")
    return {given}, AutoTokenizer.from_pretrained("gpt2")


@asynccontextmanager
async def lifespan(app):
    state["model"], state["tokenizer"] = build()
    yield
    state.clear()


def complete(text):
    enc = state["tokenizer"](text, return_tensors="pt")
    return state["model"].generate(**enc, max_new_tokens=8)
"""


def test_what_a_service_drops_at_its_end_is_there_before() -> None:
    again = 'AutoModelForCausalLM.from_pretrained("gpt2")'
    assert places(SERVICE.format(given=again)) == [("adapter-lost", 7)]
    assert places(SERVICE.format(given="tuned")) == []


@pytest.mark.parametrize(
    "written",
    [
        'with open(path, "wb") as file:\n    file.write(requests.get(url).content)',
        'with requests.get(url, stream=True) as got, open(path, "wb") as file:\n'
        "    for chunk in got.iter_content(1024):\n        file.write(chunk)",
        'file = open(path, "wb")\nfile.write(requests.get(url).content)\nfile.close()',
        "Path(path).write_bytes(requests.get(url).content)",
    ],
)
@pytest.mark.parametrize(
    "loaded",
    ["torch.load(path, weights_only=False)", 'pickle.load(open(path, "rb"))'],
)
def test_a_download_is_known_where_it_was_written(written: str, loaded: str) -> None:
    head = "import pickle\nimport requests\nimport torch\nimport transformers\nfrom pathlib import Path\n"
    text = f"{head}path = make()\n{written}\nstate = {loaded}\n"
    assert [one.id for one in read_text(text).findings] == ["unpickled-download"]
    assert not read_text(text.replace(f"state = {loaded}", f"state = {loaded}".replace("path", "other"))).findings
    assert not read_text(text.replace("requests.get(", "made_here(")).findings


CONFIGS = """
CONFIGS = {{"a": LoraConfig(r=8, target_modules=["c_attn"]), "b": LoraConfig(r=16, target_modules=["{named}"])}}
for name, config in CONFIGS.items():
    model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), config)
    model.save_pretrained(name)
"""


def test_every_configuration_of_a_loop_is_held_against_the_base() -> None:
    assert places(CONFIGS.format(named="q_proj")) == [("target-modules-missing", 1)]
    assert places(CONFIGS.format(named="c_proj")) == []


PREFIX = """
from peft import {config}

model = AutoModelForCausalLM.from_pretrained("gpt2")
tuned = get_peft_model(model, {config}({given}))
trainer = Trainer({asked}, args=TrainingArguments("out"), train_dataset=data)
trainer.train()
tuned.save_pretrained("out")
"""


def test_a_trainer_that_is_given_the_base_of_a_prompt_method() -> None:
    prompt = {"config": "PrefixTuningConfig", "given": "num_virtual_tokens=8"}
    reading = told(PREFIX.format(**prompt, asked="model=model"))
    assert [one.id for one in reading.findings] == ["adapter-lost"]
    assert "Trainer(model=tuned," in reading.mended
    assert places(PREFIX.format(**prompt, asked="model=tuned")) == []
    assert "adapter-lost" not in [
        one for one, _ in places(PREFIX.format(config="IA3Config", given="", asked="model=model"))
    ]


def test_padding_side_is_changed_where_a_function_says_it() -> None:
    body = """
    def load():
        tok = AutoTokenizer.from_pretrained("gpt2")
        tok.pad_token = tok.eos_token
        tok.padding_side = "right"
        return tok

    tok = load()
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    out = model.generate(**tok(["a", "b c"], padding=True, return_tensors="pt"), max_new_tokens=8)
    """
    mended = told(body).mended
    assert 'tok.padding_side = "left"' in mended
    assert 'from_pretrained("gpt2")\n    tok.pad' in mended
    assert not read_text(mended).findings


def test_a_dtype_that_is_put_into_a_dict_is_changed_there() -> None:
    body = """
    given = dict(device_map="cpu")
    given["dtype"] = torch.float32
    model = AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase-7b", **given)
    """
    mended = told(body).mended
    assert 'given["dtype"] = torch.bfloat16' in mended
    assert not read_text(mended).findings


def test_what_accelerate_unwraps_stays_unwrapped_where_the_adapter_is_saved() -> None:
    body = """
    from accelerate import Accelerator
    accelerator = Accelerator()
    model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8))
    model = accelerator.prepare(model)
    train(model)
    accelerator.unwrap_model(model).get_base_model().save_pretrained("out")
    """
    assert 'accelerator.unwrap_model(model).save_pretrained("out")' in told(body).mended


RATE = """
from peft import {config}
model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), {config}())
Trainer(model=model, args=TrainingArguments("out", learning_rate=5e-6), train_dataset=data).train()
model.save_pretrained("out")
"""


def test_a_mended_rate_is_one_for_the_method() -> None:
    assert "learning_rate=2e-4" in told(RATE.format(config="LoHaConfig")).mended
    assert "learning_rate=3e-3" in told(RATE.format(config="IA3Config")).mended
    assert "learning-rate" not in [one for one, _ in places(RATE.format(config="OSFConfig"))]


def test_a_base_that_is_prepared_by_hand() -> None:
    body = """
    base = AutoModelForCausalLM.from_pretrained("gpt2", quantization_config=BitsAndBytesConfig(load_in_4bit=True))
    for param in base.parameters():
        param.requires_grad = False
        {prepared}
    model = get_peft_model(base, LoraConfig(r=8))
    Trainer(model=model, args=TrainingArguments("out"), train_dataset=data).train()
    model.save_pretrained("out")
    """
    assert places(body.format(prepared="param.data = param.data.to(torch.float32)")) == []
    assert places(body.format(prepared="pass")) == [("kbit-not-prepared", 5)]


def test_a_method_that_from_peft_type_is_asked_for() -> None:
    text = f'{HEAD}from peft import PeftConfig\nconfig = PeftConfig.from_peft_type(peft_type="BOTTLENECK", r=8)\n'
    assert [one.id for one in read_text(text).findings] == ["adapter-method-unknown"]
    assert not read_text(text.replace("BOTTLENECK", "LORA")).findings


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('f(\n    a="pt"\n    b=1,\n)', 'f(\n    a="pt",\n    b=1,\n)'),
        ("f(\n    g(1)  # one\n    b=1,\n)", "f(\n    g(1),  # one\n    b=1,\n)"),
        ("d = {\n    'a': 1\n    'b': 2,\n}", "d = {\n    'a': 1,\n    'b': 2,\n}"),
        ('f(a, "some/adapter)   # ours', 'f(a, "some/adapter")   # ours'),
        ('x = "def f():  # one', 'x = "def f():  # one"'),
    ],
)
def test_a_comma_and_a_quote_with_one_place_are_added(before: str, after: str) -> None:
    reading = read_text(f"{HEAD}{before}\ny = 1\n")
    assert reading.mended == f"{HEAD}{after}\ny = 1\n"
    assert [one.id for one in reading.findings] == ["syntax-error"]


def test_a_comma_that_may_be_something_else_is_left() -> None:
    text = f"{HEAD}f(\n    a\n    b,\n)\n"
    assert read_text(text).mended == text


FORWARD = """
{head}
model = AutoModelForCausalLM.from_pretrained("gpt2")
model.eval()
enc = AutoTokenizer.from_pretrained("gpt2")("a", return_tensors="pt")
logits = model(**enc).logits
{tail}
"""


def test_gradients_of_one_pass_are_told_where_nothing_asks_for_them() -> None:
    assert places(FORWARD.format(head="", tail="")) == [("gradients-on", 4)]
    assert places(FORWARD.format(head="", tail="logits.sum().backward()")) == []
    assert places(FORWARD.format(head="", tail="torch.autograd.grad(logits.sum(), enc)")) == []
    assert places(FORWARD.format(head="torch.set_grad_enabled(False)", tail="")) == []


USED = """
{made}
tok = AutoTokenizer.from_pretrained("gpt2")
model = AutoModelForCausalLM.from_pretrained("gpt2")
{read}
out = model.generate(**tok("a", return_tensors="pt").to(model.device), max_new_tokens=3)
"""
IN_CLASS = 'class Settings:\n    device: str = "cuda"\n    tokens = 3'


@pytest.mark.parametrize(
    ("made", "read", "found"),
    [
        (IN_CLASS, "model.to(Settings.device)", False),
        (IN_CLASS, "print(Settings.tokens, model.device)", True),
        ('settings = {"device": "cuda", "tokens": 3}', 'print(settings["tokens"])', True),
        ('settings = dict(device="cuda", tokens=3)', 'print(settings["tokens"])', True),
        ('settings = {"device": "cuda", "tokens": 3}', 'model.to(settings["device"])', False),
        ('settings = {"device": "cuda", "tokens": 3}', "model.to(settings[asked])", False),
        ('settings = {"device": "cuda", "tokens": 3}', 'start(settings); print(settings["tokens"])', False),
    ],
)
def test_a_device_in_a_class_or_a_dict(made: str, read: str, found: bool) -> None:
    ids = [one for one, _ in places(USED.format(made=made, read=read))]
    assert ids == (["device-unused"] if found else [])
